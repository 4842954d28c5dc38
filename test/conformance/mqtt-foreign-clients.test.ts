import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { expect } from "vitest";
import { ForeignProgram } from "../support/foreign-program.ts";
import { type ConformanceBroker, conformance, type Rule } from "../support/mqtt/conformance.ts";

const run = promisify(execFile);

/** Debian's own interpreter: another one does not see Debian's packages. */
const PYTHON = "/usr/bin/python3";
const PAHO = fileURLToPath(new URL("../support/mqtt/paho-client.py", import.meta.url));
const DEADLINE_MS = 15_000;

/** Messages that a client leaves unacknowledged; every server here allows as many. */
const WINDOW = 10;

const USER_PROPERTIES = "[('b', '1'), ('a', '2')]";

/** What MQTT.js hands to its `message` event. */
interface Delivery {
  readonly topic: string;
  readonly payload: string;
  readonly packet: mqtt.IPublishPacket;
}

/** The next message of a client of MQTT.js. */
function nextMessage(client: MqttClient): Promise<Delivery> {
  return new Promise((resolve) => {
    client.once("message", (topic, payload, packet) => {
      resolve({ topic, payload: payload.toString(), packet });
    });
  });
}

function connectTo(broker: ConformanceBroker, options: IClientOptions): Promise<MqttClient> {
  const url = `mqtt://127.0.0.1:${broker.port}`;
  return mqtt.connectAsync(url, { reconnectPeriod: 0, ...options });
}

/** What every foreign client has to do in both versions. */
function exchanges(rule: Rule, broker: ConformanceBroker, flag: string, level: 4 | 5): void {
  for (const qos of [0, 1, 2] as const) {
    rule(
      `mosquitto_pub and mosquitto_sub -V ${flag} exchange messages at QoS ${qos}, retained ones too`,
      async () => {
        const word = broker.unique("tools");
        const base = ["-h", "127.0.0.1", "-p", `${broker.port}`, "-V", flag, "-q", `${qos}`];
        await run("mosquitto_pub", [...base, "-t", `${word}/kept`, "-m", "kept", "-r"]);
        const args = ["-oL", "mosquitto_sub", ...base, "-t", `${word}/#`, "-C", "2", "-v"];
        const reader = new ForeignProgram("stdbuf", args);
        expect(await reader.line()).toBe(`${word}/kept kept`);
        await run("mosquitto_pub", [...base, "-t", `${word}/live`, "-m", "live"]);
        expect(await reader.line()).toBe(`${word}/live live`);
        expect(await reader.exit()).toBe(0);
      },
      "mosquitto_pub",
    );
  }

  for (const qos of [0, 1, 2] as const) {
    rule(`MQTT.js: 200 messages of QoS ${qos} arrive in order, bytes exact`, async () => {
      const topic = broker.unique("js");
      const reader = await connectTo(broker, { protocolVersion: level });
      const writer = await connectTo(broker, { protocolVersion: level });
      await reader.subscribeAsync(`${topic}/+`, { qos });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const sent = Array.from({ length: 200 }, (_, i) => Buffer.concat([Buffer.of(i), bytes]));
      const received: Buffer[] = [];
      const all = new Promise<void>((resolve) => {
        reader.on("message", (_topic, payload) => {
          received.push(payload);
          if (received.length === sent.length) resolve();
        });
      });
      // MQTT.js does not heed the server's receive maximum.
      for (let i = 0; i < sent.length; i += WINDOW) {
        const batch = sent.slice(i, i + WINDOW);
        await Promise.all(
          batch.map((payload) => writer.publishAsync(`${topic}/x`, payload, { qos })),
        );
      }
      await all;
      expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
      await Promise.all([reader.endAsync(), writer.endAsync()]);
    });
  }

  rule("MQTT.js: a kept session delivers what came while its client was away", async () => {
    const topic = broker.unique("js");
    const options: IClientOptions = {
      protocolVersion: level,
      clean: false,
      clientId: broker.unique("js"),
      ...(level === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
    };
    const first = await connectTo(broker, options);
    await first.subscribeAsync(topic, { qos: 1 });
    await first.endAsync();
    const writer = await connectTo(broker, { protocolVersion: level });
    await writer.publishAsync(topic, "waited", { qos: 1 });
    const again = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
      reconnectPeriod: 0,
      ...options,
    });
    expect((await nextMessage(again)).payload).toBe("waited");
    await Promise.all([again.endAsync(), writer.endAsync()]);
  });

  const version = level === 5 ? "5.0" : "3.1.1";
  rule(
    "the Python client of Paho receives what it publishes",
    async () => {
      const args = [PAHO, `${broker.port}`, version];
      const { stdout } = await run(PYTHON, args, { timeout: DEADLINE_MS });
      const rest = level === 5 ? ` ${USER_PROPERTIES} text/plain` : "";
      const lines = [0, 1, 2].map((qos) => `paho/${qos} payload ${qos} ${qos}${rest}`);
      expect(stdout).toBe(`${lines.join("\n")}\n`);
    },
    "python3-paho-mqtt",
  );
}

conformance("3.1.1", (rule, broker) => exchanges(rule, broker, "311", 4));

conformance("5.0", (rule, broker) => {
  exchanges(rule, broker, "5", 5);

  rule(
    "mosquitto_sub -V 5 prints the properties that mosquitto_pub -V 5 sends",
    async () => {
      const topic = broker.unique("tools");
      const base = ["-h", "127.0.0.1", "-p", `${broker.port}`, "-V", "5", "-t", topic];
      const kept = [..."-r -q 1 -m x -D publish content-type text/plain".split(" ")];
      const user = ["-D", "publish", "user-property", "k", "v"];
      const answer = ["-D", "publish", "response-topic", "answers/1"];
      await run("mosquitto_pub", [...base, ...kept, ...user, ...answer]);
      const args = [...base, "-C", "1", "-F", "%p|%C|%R|%P"];
      const { stdout } = await run("mosquitto_sub", args, { timeout: DEADLINE_MS });
      expect(stdout).toBe("x|text/plain|answers/1|k:v\n");
    },
    "mosquitto_sub",
  );

  rule("MQTT.js: properties, identifiers and no-local", async () => {
    const topic = broker.unique("js");
    const client = await connectTo(broker, { protocolVersion: 5 });
    const other = await connectTo(broker, { protocolVersion: 5 });
    const properties = { subscriptionIdentifier: 7 };
    await client.subscribeAsync(topic, { qos: 1, nl: true, properties });
    const message = nextMessage(client);
    await client.publishAsync(topic, "own", { qos: 1 });
    const sent = {
      contentType: "text/plain",
      correlationData: Buffer.of(0, 255),
      responseTopic: "r",
    };
    await other.publishAsync(topic, "other", { qos: 1, properties: sent });
    const { payload, packet } = await message;
    expect(payload).toBe("other");
    expect(packet.properties).toMatchObject({ ...sent, subscriptionIdentifier: 7 });
    await Promise.all([client.endAsync(), other.endAsync()]);
  });

  rule("MQTT.js: topic aliases both ways", async () => {
    const topic = broker.unique("js");
    const aliases: IClientOptions = { protocolVersion: 5, properties: { topicAliasMaximum: 10 } };
    const reader = await connectTo(broker, aliases);
    const writer = await connectTo(broker, { ...aliases, autoAssignTopicAlias: true });
    await reader.subscribeAsync(`${topic}/#`, { qos: 0 });
    const topics: string[] = [];
    const all = new Promise<void>((resolve) => {
      reader.on("message", (name) => {
        topics.push(name);
        if (topics.length === 6) resolve();
      });
    });
    const sent = ["a", "b", "a", "a", "c", "b"].map((level) => `${topic}/${level}`);
    for (const name of sent) await writer.publishAsync(name, "x");
    await all;
    expect(topics).toEqual(sent);
    await Promise.all([reader.endAsync(), writer.endAsync()]);
  });
});
