import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import { requireTool } from "../support/tools.ts";

const run = promisify(execFile);

/** Debian's own interpreter: another one does not see Debian's packages. */
const PYTHON = "/usr/bin/python3";

let server: MqttServer;
beforeEach(async () => {
  server = await startMqtt();
});
afterEach(async () => {
  await server.stop();
});

test.skipIf(requireTool("mosquitto_pub"))(
  "mosquitto_pub and mosquitto_sub exchange messages at QoS 0, 1 and 2",
  async () => {
    for (const qos of ["0", "1", "2"]) {
      for (const version of ["mqttv31", "mqttv311"]) {
        const base = ["-h", "127.0.0.1", "-p", `${server.port}`, "-V", version, "-q", qos];
        server.publish("state", "retained", 1, true);
        const reader = spawn("stdbuf", [
          "-oL",
          "mosquitto_sub",
          ...base,
          "-t",
          "#",
          "-C",
          "2",
          "-v",
        ]);
        const closed = once(reader, "close");
        const lines: Buffer[] = [];
        reader.stdout.on("data", (chunk: Buffer) => lines.push(chunk));
        await once(reader.stdout, "data");
        await run("mosquitto_pub", [...base, "-t", `from/${version}`, "-m", `qos ${qos}`]);
        await closed;
        const text = Buffer.concat(lines).toString();
        expect(text).toBe(`state retained\nfrom/${version} qos ${qos}\n`);
      }
    }
  },
);

const PAHO = `
import sys, paho.mqtt.client as m
port = int(sys.argv[1])
try:
    c = m.Client(m.CallbackAPIVersion.VERSION1, client_id="paho")
except AttributeError:
    c = m.Client(client_id="paho")
def on_connect(c, u, f, rc): c.subscribe("paho/#", 2)
def on_subscribe(c, *a):
    for q in (0, 1, 2): c.publish("paho/%d" % q, "payload %d" % q, qos=q)
got = []
def on_message(c, u, msg):
    got.append("%s %s %d" % (msg.topic, msg.payload.decode(), msg.qos))
    if len(got) == 3: c.disconnect()
c.on_connect, c.on_subscribe, c.on_message = on_connect, on_subscribe, on_message
c.connect("127.0.0.1", port)
c.loop_forever()
print("\\n".join(sorted(got)))
`;

test.skipIf(requireTool("python3-paho-mqtt"))(
  "the Python client of Paho receives what it publishes",
  async () => {
    const { stdout } = await run(PYTHON, ["-c", PAHO, `${server.port}`], { timeout: 10_000 });
    expect(stdout).toBe("paho/0 payload 0 0\npaho/1 payload 1 1\npaho/2 payload 2 2\n");
  },
);

test.each([0, 1, 2] as const)(
  "MQTT.js: 10,000 messages at QoS %i arrive in order, bytes exact",
  async (qos) => {
    const reader = await mqtt.connectAsync(server.url, { reconnectPeriod: 0 });
    const writer = await mqtt.connectAsync(server.url, { reconnectPeriod: 0 });
    await reader.subscribeAsync("order/#", { qos });
    const count = qos === 2 ? 2_000 : 10_000;
    let next = 0;
    const all = new Promise<void>((resolve, reject) => {
      reader.on("close", () => reject(new Error(`closed after ${next} messages`)));
      reader.on("message", (_topic, payload) => {
        if (payload.readUInt32BE(0) !== next) reject(new Error(`expected ${next}`));
        next += 1;
        if (next === count) resolve();
      });
    });
    const payload = Buffer.alloc(260, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
    const sent = Array.from({ length: count }, (_, i) => {
      const numbered = Buffer.from(payload);
      numbered.writeUInt32BE(i, 0);
      return writer.publishAsync("order/x", numbered, { qos });
    });
    await Promise.all([all, ...sent]);
    reader.removeAllListeners("close");
    await Promise.all([reader.endAsync(), writer.endAsync()]);
  },
);

test("MQTT.js: a payload of 1 MiB and an empty one pass unchanged", async () => {
  const client = await mqtt.connectAsync(server.url, { reconnectPeriod: 0 });
  await client.subscribeAsync("big", { qos: 1 });
  const big = Buffer.alloc(1_048_576, 7);
  const received: Buffer[] = [];
  const both = new Promise<void>((resolve) => {
    client.on("message", (_topic, payload) => {
      received.push(payload);
      if (received.length === 2) resolve();
    });
  });
  await client.publishAsync("big", big, { qos: 1 });
  await client.publishAsync("big", Buffer.alloc(0), { qos: 1 });
  await both;
  expect(received[0]?.equals(big)).toBe(true);
  expect(received[1]?.length).toBe(0);
  await client.endAsync();
});
