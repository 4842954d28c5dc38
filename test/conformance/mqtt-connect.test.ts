import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import {
  connectPacket,
  DISCONNECT,
  field,
  PINGREQ,
  packet,
  publishPacket,
  subscribePacket,
  TYPE,
  uint16,
  WireClient,
} from "../support/mqtt-wire.ts";

let server: MqttServer;
beforeEach(async () => {
  server = await startMqtt();
});
afterEach(async () => {
  await server.stop();
});

/** Sends the bytes on a new connection and expects its end without an answer. */
async function expectClosed(...bytes: Uint8Array[]): Promise<void> {
  const client = await WireClient.open(server.port);
  client.send(...bytes);
  await client.closed();
}

/** Sends a CONNECT and returns the bytes of its CONNACK. */
async function connackFor(bytes: Uint8Array): Promise<number[]> {
  const client = await WireClient.open(server.port);
  client.send(bytes);
  const { body } = await client.take(TYPE.connack);
  return [...body];
}

test("[MQTT-3.1.0-1] a first packet other than CONNECT closes the connection", async () => {
  await expectClosed(publishPacket("a", "x"));
});

test("[MQTT-3.1.0-2] a second CONNECT closes the connection", async () => {
  const client = await WireClient.connected(server.port);
  client.send(connectPacket());
  await client.closed();
});

test("[MQTT-3.1.2-1] an unknown protocol name closes the connection", async () => {
  await expectClosed(connectPacket({ name: "MQTX" }));
});

test("[MQTT-3.1.2-2] an unknown protocol level is answered with return code 1", async () => {
  expect(await connackFor(connectPacket({ level: 6 }))).toEqual([0, 1]);
});

test("an MQTT 5 CONNECT is answered in the form of version 5 with reason code 0x84", async () => {
  const connect = packet(
    0x10,
    field("MQTT"),
    Buffer.of(5, 2),
    uint16(0),
    Buffer.of(0),
    field("five"),
  );
  expect(await connackFor(connect)).toEqual([0, 0x84, 0]);
});

test.skip("MQTT 5 clients are served: this engine ends at 3.1.1 (aedes/lib/handlers/connect.js:65)", () =>
  undefined);

test("MQTT 3.1 clients are served", async () => {
  const client = await WireClient.connected(server.port, {
    name: "MQIsdp",
    level: 3,
    clientId: "old",
  });
  await client.settled();
});

test("MQTT 3.1 clients need a client id of 1 to 23 characters", async () => {
  const old = { name: "MQIsdp", level: 3 };
  expect(await connackFor(connectPacket({ ...old, clientId: "" }))).toEqual([0, 2]);
  expect(await connackFor(connectPacket({ ...old, clientId: "x".repeat(24) }))).toEqual([0, 2]);
});

test("[MQTT-3.1.2-3] the reserved connect flag closes the connection", async () => {
  await expectClosed(connectPacket({ flags: 3 }));
});

test("[MQTT-3.1.2-13] will QoS without a will closes the connection", async () => {
  await expectClosed(connectPacket({ flags: 2 | (1 << 3) }));
});

test("[MQTT-3.1.2-14] will QoS 3 closes the connection", async () => {
  await expectClosed(connectPacket({ will: { topic: "w", payload: "x", qos: 3 } }));
});

test("[MQTT-3.1.2-22] a password without a user name closes the connection", async () => {
  await expectClosed(connectPacket({ password: "secret" }));
});

test("[MQTT-3.1.3-4] a client id that is not UTF-8 closes the connection", async () => {
  const id = field(Buffer.of(0xc3, 0x28));
  await expectClosed(packet(0x10, field("MQTT"), Buffer.of(4, 2), uint16(0), id));
});

test("[MQTT-3.1.3-8] an empty client id with a persistent session gets return code 2", async () => {
  expect(await connackFor(connectPacket({ clean: false }))).toEqual([0, 2]);
});

test("a client id over the limit gets return code 2", async () => {
  expect(await connackFor(connectPacket({ clientId: "x".repeat(257) }))).toEqual([0, 2]);
});

test("[MQTT-3.1.4-2] a second connection with a client id closes the first", async () => {
  const first = await WireClient.connected(server.port, { clientId: "twin" });
  const second = await WireClient.connected(server.port, { clientId: "twin" });
  await first.closed();
  await second.settled();
});

test("[MQTT-3.1.2-8] a client whose connection is taken over has its will published", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["will", 0]);
  const will = { topic: "will", payload: "replaced" };
  const first = await WireClient.connected(server.port, { clientId: "twin", will });
  await WireClient.connected(server.port, { clientId: "twin" });
  await first.closed();
  expect((await reader.message()).payload).toBe("replaced");
});

test("[MQTT-3.1.4-5] a hundred packets pipelined behind CONNECT are all handled", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["burst", 0]);
  const writer = await WireClient.open(server.port);
  const messages = Array.from({ length: 100 }, (_, i) => publishPacket("burst", `${i}`));
  writer.send(connectPacket(), ...messages);
  await writer.take(TYPE.connack);
  for (let i = 0; i < 100; i += 1) expect((await reader.message()).payload).toBe(`${i}`);
});

test("a client that ends its side right after publishing is still acknowledged", async () => {
  const client = await WireClient.open(server.port);
  client.socket.end(Buffer.concat([connectPacket(), publishPacket("a", "x", { qos: 1 })]));
  await client.take(TYPE.connack);
  await client.take(TYPE.puback);
  await client.closed();
});

test("[MQTT-3.1.2-24] a client silent for one and a half times its keep-alive is closed", async () => {
  const client = await WireClient.connected(server.port, { keepAlive: 1 });
  const startedAt = performance.now();
  await client.closed();
  expect(performance.now() - startedAt).toBeGreaterThan(1_400);
});

test("[MQTT-3.14.4-2] a PUBLISH behind DISCONNECT is not routed", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["#", 0]);
  const writer = await WireClient.connected(server.port);
  writer.send(publishPacket("a", "before"), DISCONNECT, publishPacket("a", "after"));
  await writer.closed();
  server.publish("a", "marker");
  expect((await reader.message()).payload).toBe("before");
  expect((await reader.message()).payload).toBe("marker");
});

test("a connection that sends no CONNECT in time is closed", async () => {
  const impatient = await startMqtt({ options: { connectTimeoutMs: 100 } });
  const client = await WireClient.open(impatient.port);
  client.send(Buffer.of(0x10));
  await client.closed();
  await impatient.stop();
});

test("a client over the session limit gets return code 3", async () => {
  const small = await startMqtt({ maxConnections: 1 });
  await WireClient.connected(small.port);
  const second = await WireClient.open(small.port);
  expect((await second.take(TYPE.connack)).body[1]).toBe(3);
  await small.stop();
});

test("a persistent session over the limit gets return code 3", async () => {
  const small = await startMqtt({ options: { maxSessions: 1 } });
  await WireClient.connected(small.port, { clientId: "one", clean: false });
  const second = await WireClient.open(small.port);
  second.send(connectPacket({ clientId: "two", clean: false }));
  expect((await second.take(TYPE.connack)).body[1]).toBe(3);
  await small.stop();
});

describe("malformed packets close the connection", () => {
  const cases: [string, Buffer][] = [
    [
      "[MQTT-2.2.2-2] SUBSCRIBE with wrong flags",
      packet(0x80, uint16(1), field("a"), Buffer.of(0)),
    ],
    ["[MQTT-2.2.2-2] PINGREQ with flags", Buffer.of(0xc1, 0)],
    ["[MQTT-2.2.3] a remaining length of five bytes", Buffer.of(0x30, 0xff, 0xff, 0xff, 0xff, 1)],
    ["[MQTT-2.3.1-1] PUBLISH with packet id 0", publishPacket("a", "x", { qos: 1, packetId: 0 })],
    ["[MQTT-2.3.1-1] SUBSCRIBE with packet id 0", subscribePacket(0, ["a", 0])],
    ["[MQTT-3.3.1-2] PUBLISH of QoS 0 with DUP", publishPacket("a", "x", { dup: true })],
    ["[MQTT-3.3.1-4] PUBLISH with QoS 3", packet(0x36, field("a"), uint16(1))],
    ["[MQTT-3.3.2-1] PUBLISH with a topic that is not UTF-8", publishPacket(Buffer.of(0xff), "x")],
    ["[MQTT-3.3.2-2] PUBLISH to a wildcard", publishPacket("a/+", "x")],
    ["[MQTT-4.7.3-1] PUBLISH to an empty topic", publishPacket("", "x")],
    ["[MQTT-4.7.3-2] PUBLISH to a topic with U+0000", publishPacket("a\0b", "x")],
    ["PUBLISH to a reserved topic", publishPacket("$SYS/x", "x")],
    ["[MQTT-3.8.3-3] SUBSCRIBE without a filter", packet(0x82, uint16(1))],
    ["[MQTT-3.8.3-4] SUBSCRIBE asking for QoS 3", subscribePacket(1, ["a", 3])],
    [
      "[MQTT-3.8.3-1] SUBSCRIBE with a filter that is not UTF-8",
      subscribePacket(1, [Buffer.of(0xff), 0]),
    ],
    ["[MQTT-3.10.3-2] UNSUBSCRIBE without a filter", packet(0xa2, uint16(1))],
    ["UNSUBSCRIBE with an invalid filter", packet(0xa2, uint16(1), field("a/+b"))],
    ["a packet only servers send", Buffer.of(0xd0, 0)],
    ["an unknown packet type", Buffer.of(0xf0, 0)],
  ];
  test.each(cases)("%s", async (_name, bytes) => {
    const client = await WireClient.connected(server.port);
    client.send(bytes);
    await client.closed();
    const other = await WireClient.connected(server.port);
    other.send(PINGREQ);
    await other.take(TYPE.pingresp);
  });
});
