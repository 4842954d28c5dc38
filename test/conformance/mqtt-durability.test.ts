import { afterEach, beforeEach, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import {
  acknowledgement,
  connectPacket,
  DISCONNECT,
  publishPacket,
  subscribePacket,
  TYPE,
  unsubscribePacket,
  WireClient,
} from "../support/mqtt-wire.ts";
import { RestartableStore } from "../support/restartable-store.ts";

const KEPT = { clientId: "kept", clean: false };

let store: RestartableStore;
let server: MqttServer;
beforeEach(async () => {
  store = new RestartableStore();
  server = await startMqtt({ stores: store.open() });
});
afterEach(async () => {
  await server.stop();
});

/** Another process on what the disk has. */
async function crash(): Promise<void> {
  store.crash();
  await server.stop();
  server = await startMqtt({ stores: store.open() });
}

/** Something of the client's has reached the store and waits there. */
async function pending(): Promise<void> {
  for (let i = 0; i < 5_000 && !store.hasPending; i += 1) await nextTurn();
  // Whatever the same packets cause is noted by now, too.
  for (let i = 0; i < 20; i += 1) await nextTurn();
  expect(store.hasPending).toBe(true);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The packet of this type comes when the store is written, and nothing comes before. */
async function afterSettling(client: WireClient, type: number): Promise<void> {
  let isSettled = false;
  const taken = client.take(type).then((packet) => {
    expect(isSettled).toBe(true);
    return packet;
  });
  await pending();
  isSettled = true;
  store.settle();
  await taken;
}

/** Connects a persistent session. */
async function connected(clientId = "kept"): Promise<WireClient> {
  const client = await WireClient.open(server.port);
  client.send(connectPacket({ ...KEPT, clientId }));
  await afterSettling(client, TYPE.connack);
  return client;
}

async function subscribed(qos: number): Promise<WireClient> {
  const client = await connected();
  client.send(subscribePacket(5, ["t", qos]));
  await afterSettling(client, TYPE.suback);
  return client;
}

test("CONNACK, SUBACK and UNSUBACK of a persistent session wait until what they say is durable", async () => {
  const client = await subscribed(1);
  client.send(unsubscribePacket(6, "t"));
  await afterSettling(client, TYPE.unsuback);
  await crash();
  const again = await WireClient.open(server.port);
  again.send(connectPacket(KEPT));
  await pending();
  store.settle();
  expect((await again.take(TYPE.connack)).body[0]).toBe(1);
});

test("[MQTT-3.1.2-6] CONNACK of a clean start waits until the session it discards is gone for good", async () => {
  const first = await subscribed(1);
  first.send(DISCONNECT);
  await first.closed();
  await pending();
  store.settle();
  const client = await WireClient.open(server.port);
  client.send(connectPacket({ clientId: "kept", clean: true }));
  await afterSettling(client, TYPE.connack);
  expect(store.sessionNames()).toEqual([]);
});

test("[MQTT-4.3.3-1] PUBREL waits until PUBREC is durable", async () => {
  const client = await subscribed(2);
  server.publish("t", "x", 2);
  await pending();
  store.settle();
  const { packetId } = await client.message();
  await pending();
  store.settle();
  client.send(acknowledgement(TYPE.pubrec, packetId));
  await afterSettling(client, TYPE.pubrel);
});

test("[MQTT-4.3.3-2] PUBREC and PUBCOMP wait until the packet id is stored, and freed", async () => {
  const client = await connected();
  client.send(publishPacket("t", "x", { qos: 2, packetId: 4 }));
  await afterSettling(client, TYPE.pubrec);
  await crash();
  const again = await connected();
  again.send(publishPacket("t", "x", { qos: 2, packetId: 4, dup: true }));
  await again.take(TYPE.pubrec);
  expect(server.bus.lastOffset).toBe(1);
  again.send(acknowledgement(TYPE.pubrel, 4));
  await afterSettling(again, TYPE.pubcomp);
});

test("what was queued and not acknowledged is delivered after a crash", async () => {
  const first = await subscribed(1);
  server.publish("t", "a");
  const { packetId } = await first.message();
  server.publish("t", "b");
  await first.message();
  await pending();
  store.settle();
  await crash();
  const second = await connected();
  expect(await second.message()).toMatchObject({ payload: "a", dup: true, packetId });
  expect(await second.message()).toMatchObject({ payload: "b", dup: true });
});

test("a store that fails closes the connection instead of acknowledging", async () => {
  const client = await connected();
  client.send(subscribePacket(5, ["t", 1]));
  await pending();
  store.fail();
  await client.closed();
});

test("[MQTT-3.1.2-8] a will is not published twice, by the engine and by the session", async () => {
  const reader = await subscribed(1);
  const sensor = await WireClient.open(server.port);
  sensor.send(connectPacket({ clientId: "sensor", will: { topic: "t", payload: "gone", qos: 1 } }));
  await afterSettling(sensor, TYPE.connack);
  expect(store.sessionNames()).toEqual(["client/kept", "client/sensor"]);
  sensor.end();
  expect((await reader.message()).payload).toBe("gone");
  server.publish("t", "marker");
  expect((await reader.message()).payload).toBe("marker");
  await pending();
  store.settle();
  expect(store.sessionNames()).toEqual(["client/kept"]);
});

test("a session that overflowed while its client was away is not present afterwards", async () => {
  await server.stop();
  store = new RestartableStore();
  server = await startMqtt({ stores: store.open(), options: { maxQueuedMessages: 2 } });
  const first = await subscribed(1);
  first.send(DISCONNECT);
  await first.closed();
  for (const payload of ["a", "b", "c"]) server.publish("t", payload);
  await pending();
  store.settle();
  const second = await WireClient.open(server.port);
  second.send(connectPacket(KEPT));
  await pending();
  store.settle();
  expect((await second.take(TYPE.connack)).body[0]).toBe(0);
});
