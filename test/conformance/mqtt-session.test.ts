import { afterEach, beforeEach, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import {
  acknowledgement,
  connectPacket,
  DISCONNECT,
  publishPacket,
  TYPE,
  WireClient,
} from "../support/mqtt-wire.ts";

let server: MqttServer;
beforeEach(async () => {
  server = await startMqtt();
});
afterEach(async () => {
  await server.stop();
});

const KEPT = { clientId: "kept", clean: false };

/** Opens a persistent session with a subscription and leaves it. */
async function leave(filter: string, qos: number): Promise<void> {
  const client = await WireClient.connected(server.port, KEPT);
  await client.subscribe([filter, qos]);
  client.send(DISCONNECT);
  await client.closed();
}

test("[MQTT-3.1.2-5] messages of QoS 1 and 2 from any transport wait for a client that is away", async () => {
  await leave("t/#", 2);
  server.publish("t/0", "zero", 0);
  server.publish("t/1", "one", 1);
  server.publish("t/2", "two", 2);
  const client = await WireClient.connected(server.port, KEPT);
  expect(client.sessionPresent).toBe(true);
  expect(await client.message()).toMatchObject({ payload: "one", qos: 1, dup: false });
  expect(await client.message()).toMatchObject({ payload: "two", qos: 2, dup: false });
  server.publish("t/3", "live", 0);
  expect(await client.message()).toMatchObject({ payload: "live" });
});

test("[MQTT-3.2.2-2] a session without subscriptions is present too", async () => {
  const first = await WireClient.connected(server.port, KEPT);
  expect(first.sessionPresent).toBe(false);
  first.end();
  const second = await WireClient.connected(server.port, KEPT);
  expect(second.sessionPresent).toBe(true);
});

test("[MQTT-3.1.2-6] a clean start discards the session", async () => {
  await leave("t", 1);
  const clean = await WireClient.connected(server.port, { clientId: "kept", clean: true });
  expect(clean.sessionPresent).toBe(false);
  clean.send(DISCONNECT);
  await clean.closed();
  server.publish("t", "x");
  const client = await WireClient.connected(server.port, KEPT);
  expect(client.sessionPresent).toBe(false);
  await client.settled();
});

test("[MQTT-4.4.0-1] [MQTT-3.3.1-1] what was not acknowledged is sent again in order, with DUP", async () => {
  const first = await WireClient.connected(server.port, KEPT);
  await first.subscribe(["t", 1]);
  for (const payload of ["a", "b", "c"]) server.publish("t", payload);
  const ids = [];
  for (let i = 0; i < 3; i += 1) ids.push((await first.message()).packetId);
  first.send(acknowledgement(TYPE.puback, ids[1] ?? 0));
  await first.settled();
  first.send(DISCONNECT);
  await first.closed();
  server.publish("t", "d");
  const second = await WireClient.connected(server.port, KEPT);
  expect(await second.message()).toMatchObject({ payload: "a", dup: true, packetId: ids[0] });
  expect(await second.message()).toMatchObject({ payload: "c", dup: true, packetId: ids[2] });
  expect(await second.message()).toMatchObject({ payload: "d", dup: false });
});

test("[MQTT-4.3.3-1] after PUBREC a reconnecting client gets PUBREL, not the message", async () => {
  const first = await WireClient.connected(server.port, KEPT);
  await first.subscribe(["t", 2]);
  server.publish("t", "once", 2);
  const { packetId } = await first.message();
  first.send(acknowledgement(TYPE.pubrec, packetId));
  await first.take(TYPE.pubrel);
  first.end();
  const second = await WireClient.connected(server.port, KEPT);
  expect((await second.take(TYPE.pubrel)).body.readUInt16BE(0)).toBe(packetId);
  second.send(acknowledgement(TYPE.pubcomp, packetId));
  server.publish("t", "marker", 1);
  expect((await second.message()).payload).toBe("marker");
});

test("[MQTT-4.3.3-2] a QoS 2 message sent twice in one chunk is accepted once", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["t", 0]);
  const writer = await WireClient.connected(server.port);
  const first = publishPacket("t", "x", { qos: 2, packetId: 4 });
  const again = publishPacket("t", "x", { qos: 2, packetId: 4, dup: true });
  writer.send(first, again);
  await writer.take(TYPE.pubrec);
  await writer.take(TYPE.pubrec);
  writer.send(acknowledgement(TYPE.pubrel, 4));
  await writer.take(TYPE.pubcomp);
  writer.send(publishPacket("t", "next", { qos: 2, packetId: 4 }));
  await writer.take(TYPE.pubrec);
  expect((await reader.message()).payload).toBe("x");
  expect((await reader.message()).payload).toBe("next");
});

test("[MQTT-4.3.3-2] a QoS 2 message sent again over a new connection is accepted once", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["t", 0]);
  const writer = await WireClient.connected(server.port, KEPT);
  writer.send(publishPacket("t", "x", { qos: 2, packetId: 4 }));
  await writer.take(TYPE.pubrec);
  writer.end();
  const back = await WireClient.connected(server.port, KEPT);
  back.send(publishPacket("t", "x", { qos: 2, packetId: 4, dup: true }));
  await back.take(TYPE.pubrec);
  back.send(acknowledgement(TYPE.pubrel, 4));
  await back.take(TYPE.pubcomp);
  server.publish("t", "marker");
  expect((await reader.message()).payload).toBe("x");
  expect((await reader.message()).payload).toBe("marker");
});

test("a full queue of an absent client drops its oldest messages and counts them", async () => {
  const options = { maxQueuedMessages: 3, queueOverflow: "drop-oldest" } as const;
  const small = await startMqtt({ options });
  const first = await WireClient.connected(small.port, KEPT);
  await first.subscribe(["t", 1]);
  first.send(DISCONNECT);
  await first.closed();
  for (const payload of ["a", "b", "c", "d", "e"]) small.publish("t", payload);
  expect(small.dropped("drop_oldest")).toBe(2);
  const second = await WireClient.connected(small.port, KEPT);
  for (const payload of ["c", "d", "e"]) expect((await second.message()).payload).toBe(payload);
  await small.stop();
});

test("queued messages outlive the log's window", async () => {
  const small = await startMqtt({ window: { maxMessages: 16 } });
  const first = await WireClient.connected(small.port, KEPT);
  await first.subscribe(["t", 1]);
  first.send(DISCONNECT);
  await first.closed();
  small.publish("t", "kept");
  for (let i = 0; i < 100; i += 1) small.publish("other", `${i}`);
  const second = await WireClient.connected(small.port, KEPT);
  expect((await second.message()).payload).toBe("kept");
  await small.stop();
});

test("no more than the window is in flight, and acknowledging lets the rest through in order", async () => {
  const small = await startMqtt({ options: { maxInflight: 2 } });
  const client = await WireClient.connected(small.port);
  await client.subscribe(["t", 1]);
  for (let i = 0; i < 10; i += 1) small.publish("t", `${i}`);
  const first = await client.message();
  expect((await client.message()).payload).toBe("1");
  await client.settled();
  client.send(acknowledgement(TYPE.puback, first.packetId));
  expect((await client.message()).payload).toBe("2");
  await client.settled();
  await small.stop();
});

test("[MQTT-3.1.2-8] a will is published when the connection breaks, and not after DISCONNECT", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["will/#", 1]);
  const polite = await WireClient.connected(server.port, {
    will: { topic: "will/polite", payload: "x" },
  });
  polite.send(DISCONNECT);
  await polite.closed();
  const broken = await WireClient.connected(server.port, {
    will: { topic: "will/broken", payload: "gone", qos: 1, retain: true },
  });
  broken.end();
  expect(await reader.message()).toMatchObject({ topic: "will/broken", payload: "gone", qos: 1 });
  const late = await WireClient.connected(server.port);
  await late.subscribe(["will/broken", 0]);
  expect(await late.message()).toMatchObject({ payload: "gone", retain: true });
});

test("drain delivers what is queued, publishes no wills and closes", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["#", 1]);
  await WireClient.connected(server.port, { will: { topic: "will", payload: "x" } });
  server.publish("t", "last");
  const drained = server.transport.drain(4_000);
  const { packetId, payload } = await reader.message();
  expect(payload).toBe("last");
  reader.send(acknowledgement(TYPE.puback, packetId));
  await reader.closed();
  await drained;
  expect(server.sessions.count).toBe(0);
});

test("a client that connects while the gateway drains gets return code 3 or no connection", async () => {
  const waiting = await WireClient.open(server.port);
  void server.transport.drain(200);
  waiting.send(connectPacket());
  await waiting.closed();
});
