import { afterEach, expect, test } from "vitest";
import type { AccessPolicy } from "../../src/bus/ports.ts";
import { GatewayError } from "../../src/errors.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { expectDisconnect, expectRefused } from "../support/mqtt/expect-ended.ts";
import type { Level } from "../support/mqtt/packets.ts";
import { RawClient } from "../support/mqtt/raw-client.ts";
import { type MqttServer, type MqttServerOptions, startMqtt } from "../support/mqtt-server.ts";

/** What is left over by a test. */
const servers: MqttServer[] = [];
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.drop();
  for (const server of servers.splice(0)) await server.stop();
});

async function start({ options, ...rest }: MqttServerOptions = {}): Promise<MqttServer> {
  const server = await startMqtt({ ...rest, options: { ...options, engine: "native" } });
  servers.push(server);
  return server;
}

async function open(server: MqttServer, level: Level = 5): Promise<RawClient> {
  const client = await RawClient.open(server.port, level);
  clients.push(client);
  return client;
}

/** Nobody may publish under `closed/` or read `secret/`. */
const POLICY: AccessPolicy = {
  mayPublish: (_identity, topic) => !topic.startsWith("closed/"),
  maySubscribe: (_identity, filter) => !filter.startsWith("secret/"),
  mayReceive: (_identity, topic) => !topic.startsWith("secret/"),
};

test("CONNACK tells the limits, and in place of wishes past them what holds", async () => {
  const server = await start({
    options: {
      maxKeepAliveSeconds: 60,
      sessionExpirySeconds: 100,
      maxPacketBytes: 5_000,
      maxQueuedMessages: 7,
      maxTopicAliases: 3,
      responseInformation: "answers/",
    },
  });
  const client = await open(server);
  const { properties } = await client.connect({
    keepAlive: 600,
    properties: [
      ["sessionExpiry", 1_000],
      ["requestResponseInformation", 1],
    ],
  });
  expect(Object.fromEntries(properties.list)).toEqual({
    receiveMaximum: 7,
    maximumPacketSize: 5_000,
    topicAliasMaximum: 3,
    wildcardAvailable: 1,
    identifiersAvailable: 1,
    sharedAvailable: 1,
    sessionExpiry: 100,
    assignedClientId: expect.stringMatching(/^[\w-]{20}$/),
    serverKeepAlive: 60,
    responseInformation: "answers/",
  });
});

test("a client within the limits is told nothing it knows", async () => {
  const server = await start({ options: { responseInformation: "answers/" } });
  const client = await open(server);
  const { properties } = await client.connect({ clientId: "mine", keepAlive: 600 });
  for (const name of ["sessionExpiry", "assignedClientId", "serverKeepAlive"] as const) {
    expect(properties.has(name)).toBe(false);
  }
  expect(properties.has("responseInformation")).toBe(false);
});

test("publishing what access control denies is refused by the acknowledgement, or by the end", async () => {
  const server = await start({ policy: POLICY });
  const client = await open(server);
  await client.connect();
  for (const [qos, name] of [
    [1, "puback"],
    [2, "pubrec"],
  ] as const) {
    client.send(client.write.publish("closed/x", "x", { qos, packetId: qos }));
    const answer = await client.take(name);
    expect(answer).toMatchObject({ packetId: qos, reason: 0x87 });
    expect(answer.properties.text("reasonString")).toContain("closed/x");
  }
  client.send(client.write.publish("closed/x", "x"));
  await expectDisconnect(client, 0x87);
});

test("a filter that access control denies is refused beside others that are granted", async () => {
  const server = await start({ policy: POLICY });
  const client = await open(server);
  await client.connect();
  expect(
    await client.subscribe(["a", 1], ["secret/a", 1], ["$share/g/secret/b", 1], ["b", 2]),
  ).toEqual([1, 0x87, 0x87, 2]);
});

test("what access control denies at the moment of delivery is not delivered by a wildcard", async () => {
  const server = await start({ policy: POLICY });
  const reader = await open(server);
  await reader.connect();
  await reader.subscribe(["#", 1]);
  const writer = await open(server);
  await writer.connect();
  await writer.publish("secret/a", "no", { qos: 1 });
  await writer.publish("open/a", "yes", { qos: 1 });
  expect(await reader.payloads(1)).toEqual(["yes"]);
  expect(server.dropped("forbidden")).toBeGreaterThan(0);
});

test("a store that cannot take a message ends the connection, so that the message is sent again", async () => {
  const server = await start({
    wrapLog: (log) => {
      log.append = () => {
        throw new GatewayError("store_unavailable", "the disk is full");
      };
      return log;
    },
  });
  const client = await open(server);
  await client.connect();
  client.send(client.write.publish("a", "x", { qos: 1, packetId: 1 }));
  await expectDisconnect(client, 0x80);
});

test("a client that publishes faster than its limit is told so", async () => {
  const server = await start({ limits: { maxPublishesPerSecond: 2 } });
  const client = await open(server);
  await client.connect();
  for (let packetId = 1; packetId <= 2; packetId += 1) {
    await client.publish("a", "x", { qos: 1, packetId });
  }
  client.send(client.write.publish("a", "x", { qos: 1, packetId: 3 }));
  expect((await client.take("puback")).reason).toBe(0x97);
  client.send(client.write.publish("a", "x"));
  await expectDisconnect(client, 0x96);
});

test("a silent client is ended after one and a half times its keep-alive", async () => {
  const clock = new FakeClock();
  const server = await start({ clock });
  const client = await open(server);
  await client.connect({ keepAlive: 10 });
  clock.advance(14_900);
  await client.settled();
  clock.advance(14_900);
  await client.settled();
  clock.advance(15_100);
  await expectDisconnect(client, 0x8d);
});

test("a payload that is said to be text and is not is refused", async () => {
  const server = await start();
  const client = await open(server);
  await client.connect();
  const properties = [["payloadFormat", 1]] as const;
  const fields = { qos: 1, packetId: 1, properties };
  client.send(client.write.publish("a", Buffer.of(0xc3), fields));
  expect((await client.take("puback")).reason).toBe(0x99);
  client.send(client.write.publish("a", Buffer.of(0xc3), { properties }));
  await expectDisconnect(client, 0x99);
});

test("long topics are sent once where the client allows an alias, short ones always", async () => {
  const server = await start();
  const reader = await open(server);
  await reader.connect({ properties: [["topicAliasMaximum", 1]] });
  await reader.subscribe(["#", 0]);
  const long = `plant/${"x".repeat(40)}`;
  for (const topic of [long, long, "short", `${long}/2`, long]) server.publish(topic, "p", 0);
  const topics: string[] = [];
  const aliases: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const { topic, properties } = await reader.message();
    topics.push(topic);
    aliases.push(properties.number("topicAlias", 0));
  }
  expect(topics).toEqual([long, "", "short", `${long}/2`, ""]);
  expect(aliases).toEqual([1, 1, 0, 0, 1]);
});

test("a message too large for one client is counted, and reaches the others", async () => {
  const server = await start();
  const small = await open(server);
  await small.connect({ properties: [["maximumPacketSize", 60]] });
  await small.subscribe(["a", 0]);
  const large = await open(server);
  await large.connect();
  await large.subscribe(["a", 0]);
  server.publish("a", "x".repeat(100), 0);
  server.publish("a", "y", 0);
  expect(await small.payloads(1)).toEqual(["y"]);
  expect(await large.payloads(2)).toEqual(["x".repeat(100), "y"]);
  expect(server.dropped("too_large")).toBe(1);
});

test("who drains names another server, in DISCONNECT to those who are here and in CONNACK to others", async () => {
  const server = await start({ options: { serverReference: "other.example:1883" } });
  const here = await open(server);
  await here.connect();
  const late = await open(server);
  const drained = server.transport.drain(2_000);
  const said = await expectDisconnect(here, 0x9c);
  expect(said?.properties.text("serverReference")).toBe("other.example:1883");
  late.send(late.write.connect({ clientId: "late" }));
  await late.ended();
  late.drop();
  await drained;
});

test("who drains says so", async () => {
  const server = await start();
  const client = await open(server);
  await client.connect();
  const drained = server.transport.drain(2_000);
  await expectDisconnect(client, 0x8b);
  await drained;
});

test("a client id that is taken over ends the first connection by 0x8E, whatever the versions", async () => {
  const server = await start();
  const first = await open(server);
  await first.connect({ clientId: "one" });
  const second = await open(server, 4);
  await second.connect({ clientId: "one" });
  await expectDisconnect(first, 0x8e);
  await second.settled();
});

test("what arrives behind CONNECT in one write is handled after it, in order", async () => {
  const server = await start();
  const client = await open(server);
  client.send(
    client.write.connect({ clientId: "eager" }),
    client.write.subscribe(1, [["eager", 1]]),
    client.write.publish("eager", "a", { qos: 1, packetId: 2 }),
    client.write.publish("eager", "b", { qos: 2, packetId: 3 }),
    client.write.publish("eager", "c"),
  );
  await client.take("connack");
  await client.take("suback");
  await client.take("puback");
  await client.take("pubrec");
  expect(await client.payloads(3)).toEqual(["a", "b", "c"]);
});

test("[MQTT-3.3.1-12] RETAIN of a live message is the publisher's own, whatever the versions and QoS", async () => {
  const server = await start();
  for (const level of [4, 5] as const) {
    for (const qos of [0, 1, 2]) {
      const reader = await open(server, level);
      await reader.connect();
      await reader.subscribe(["live", qos]);
      const writer = await open(server, level);
      await writer.connect();
      await writer.publish("live", "x", { qos, retain: true });
      expect(await reader.message()).toMatchObject({
        payload: "x",
        qos,
        retain: false,
        dup: false,
      });
      await writer.publish("live", "", { qos: 1, retain: true });
      reader.drop();
    }
  }
});

test("[MQTT-1.5.5-1] a length of more bytes than it needs is not passed on", async () => {
  const server = await start();
  const reader = await open(server, 4);
  await reader.connect();
  await reader.subscribe(["a", 0]);
  const writer = await open(server, 4);
  await writer.connect();
  writer.send(Buffer.from([0x30, 0x84, 0x00, 0, 1, 0x61, 0x78]));
  expect(await reader.message()).toMatchObject({ topic: "a", payload: "x", size: 6 });
});

test("packets are the same wherever the stream is cut", async () => {
  const server = await start();
  const reader = await open(server);
  await reader.connect();
  await reader.subscribe(["cut", 0]);
  const bytes = Buffer.concat([
    reader.write.connect({ clientId: "cut" }),
    reader.write.publish("cut", "a", { qos: 1, packetId: 1 }),
    reader.write.publish("cut", "b"),
  ]);
  for (let cut = 1; cut < bytes.length; cut += 7) {
    const client = await open(server);
    client.send(bytes.subarray(0, cut));
    client.send(bytes.subarray(cut));
    await client.take("connack");
    await client.take("puback");
    expect(await reader.payloads(2)).toEqual(["a", "b"]);
    client.drop();
  }
});

test("password without user name is a token, and a wrong one is refused", async () => {
  const server = await start({
    authenticator: {
      authenticate: async (credentials) => {
        if (credentials.kind === "token" && credentials.token === "right") return { user: "u" };
        throw new GatewayError("unauthenticated", "wrong token");
      },
    },
  });
  const good = await open(server);
  await good.connect({ password: "right" });
  const bad = await open(server);
  bad.send(bad.write.connect({ password: "wrong" }));
  await expectRefused(bad, 0x86);
});
