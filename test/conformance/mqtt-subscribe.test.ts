import { afterEach, beforeEach, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import {
  acknowledgement,
  DISCONNECT,
  publishPacket,
  subscribePacket,
  TYPE,
  unsubscribePacket,
  WireClient,
} from "../support/mqtt-wire.ts";

let server: MqttServer;
beforeEach(async () => {
  server = await startMqtt();
});
afterEach(async () => {
  await server.stop();
});

test("[MQTT-4.7.1-2] [MQTT-4.7.1-3] invalid filters are answered with 0x80, the others granted", async () => {
  const client = await WireClient.connected(server.port);
  const codes = await client.subscribe(
    ["ok/#", 1],
    ["a#", 0],
    ["a+", 0],
    ["+a", 0],
    ["a/+b", 0],
    ["a/#/b", 0],
    ["", 0],
    ["fine/+", 2],
  );
  expect(codes).toEqual([1, 128, 128, 128, 128, 128, 128, 2]);
  server.publish("fine/x", "marker");
  expect((await client.message()).topic).toBe("fine/x");
});

test("[MQTT-3.3.5-1] overlapping filters deliver once, at the highest granted QoS", async () => {
  const client = await WireClient.connected(server.port);
  await client.subscribe(["a/b", 0], ["a/+", 2], ["#", 1]);
  server.publish("a/b", "x", 2);
  server.publish("marker", "x", 1);
  expect(await client.message()).toMatchObject({ topic: "a/b", qos: 2 });
  expect(await client.message()).toMatchObject({ topic: "marker", qos: 1 });
});

test("a subscriber's messages of QoS 0 and 1 keep their common order", async () => {
  const client = await WireClient.connected(server.port);
  await client.subscribe(["t", 1]);
  for (let i = 0; i < 20; i += 1) server.publish("t", `${i}`, i % 3 === 0 ? 0 : 1);
  for (let i = 0; i < 20; i += 1) expect((await client.message()).payload).toBe(`${i}`);
});

test("[MQTT-3.3.1-6] retained messages come after SUBACK, marked, and live ones unmarked", async () => {
  server.publish("r/1", "one", 0, true);
  server.publish("r/2", "two", 1, true);
  const client = await WireClient.connected(server.port);
  client.send(subscribePacket(5, ["r/#", 1]));
  await client.take(TYPE.suback);
  server.publish("r/1", "newer", 0, true);
  const seen = [await client.message(), await client.message(), await client.message()];
  expect(
    seen
      .filter(({ retain }) => retain)
      .map(({ topic }) => topic)
      .sort(),
  ).toEqual(["r/1", "r/2"]);
  expect(seen.findIndex(({ payload }) => payload === "newer")).toBeGreaterThan(
    seen.findIndex(({ payload }) => payload === "one"),
  );
});

test("a newer live value is never followed by an older retained one", async () => {
  server.publish("v", "old", 0, true);
  const client = await WireClient.connected(server.port);
  // Both packets arrive together: the live value is accepted before the retained one is written.
  client.send(subscribePacket(5, ["v", 2]), publishPacket("v", "new", { qos: 1 }));
  await client.take(TYPE.suback);
  const payloads: string[] = [];
  while (payloads.at(-1) !== "new") {
    const next = await client.next();
    if (next.type === TYPE.publish) payloads.push(next.body.toString("utf8").slice(-3));
  }
  await client.settled();
  expect(payloads).toEqual(["old", "new"]);
});

test("a SUBSCRIBE is in force for what the same client publishes right behind it", async () => {
  for (const clean of [true, false]) {
    const client = await WireClient.connected(server.port, { clientId: `self-${clean}`, clean });
    client.send(subscribePacket(5, ["mine", 0]), publishPacket("mine", "x"));
    await client.take(TYPE.suback);
    expect((await client.message()).payload).toBe("x");
  }
});

test("[MQTT-4.7.1-3] a wildcard finds a retained topic that ends in an empty level", async () => {
  server.publish("el/x/", "kept", 1, true);
  const client = await WireClient.connected(server.port);
  await client.subscribe(["el/x/+", 0]);
  expect(await client.message()).toMatchObject({ topic: "el/x/", payload: "kept" });
});

test("[MQTT-4.7.2-1] $SYS shows clients nothing of the engine's own messages", async () => {
  const client = await WireClient.connected(server.port);
  await client.subscribe(["$SYS/#", 0], ["#", 0]);
  await WireClient.connected(server.port, { clientId: "secret-name" });
  server.publish("marker", "x");
  expect((await client.message()).topic).toBe("marker");
});

test("subscriptions over the limit of a session are answered with 0x80", async () => {
  const small = await startMqtt({ options: { maxSubscriptionsPerSession: 2 } });
  const client = await WireClient.connected(small.port);
  expect(await client.subscribe(["a", 0], ["b", 0], ["c", 0])).toEqual([0, 0, 128]);
  expect(await client.subscribe(["a", 1])).toEqual([1]);
  await small.stop();
});

test("topics and filters may have as many levels as the limit says", async () => {
  const deep = Array.from({ length: 120 }, () => "l").join("/");
  const client = await WireClient.connected(server.port);
  expect(await client.subscribe([deep, 0], [`${deep}/${deep}`, 0])).toEqual([0, 128]);
  client.send(publishPacket(deep, "x"));
  expect((await client.message()).topic).toBe(deep);
});

test("an acknowledgement of the wrong kind does not complete a delivery", async () => {
  const client = await WireClient.connected(server.port, { clientId: "strict", clean: false });
  await client.subscribe(["t", 2]);
  server.publish("t", "x", 2);
  const { packetId } = await client.message();
  client.send(acknowledgement(TYPE.puback, packetId));
  await client.settled();
  client.end();
  const again = await WireClient.connected(server.port, { clientId: "strict", clean: false });
  expect(await again.message()).toMatchObject({ packetId, dup: true });
});

test("a shared subscription gives each message to one member, and the rest when one leaves", async () => {
  const one = await WireClient.connected(server.port);
  const two = await WireClient.connected(server.port);
  expect(await one.subscribe(["$share/group/t/#", 1])).toEqual([1]);
  expect(await two.subscribe(["$share/group/t/#", 1])).toEqual([1]);
  server.publish("t/1", "a");
  server.publish("t/2", "b");
  const first = await one.message();
  const second = await two.message();
  expect([first.payload, second.payload].sort()).toEqual(["a", "b"]);
  two.send(acknowledgement(TYPE.puback, second.packetId));
  await two.settled();
  one.end();
  expect(await two.message()).toMatchObject({ payload: first.payload });
});

test("a shared subscription sends no retained messages and ends with UNSUBSCRIBE", async () => {
  server.publish("t", "kept", 1, true);
  const client = await WireClient.connected(server.port);
  await client.subscribe(["$share/g/t", 0], ["marker", 0]);
  server.publish("t", "live", 0);
  expect((await client.message()).payload).toBe("live");
  client.send(unsubscribePacket(3, "$share/g/t"));
  await client.take(TYPE.unsuback);
  server.publish("t", "gone", 1);
  server.publish("marker", "x");
  expect((await client.message()).topic).toBe("marker");
});

test("a shared subscription without a group name or filter is answered with 0x80", async () => {
  const client = await WireClient.connected(server.port);
  const wishes = ["$share//t", "$share/g", "$share/g/", "$share/a+b/t", "$share/g/a#"];
  const codes = await client.subscribe(...wishes.map((wish) => [wish, 1] as const));
  expect(codes).toEqual([128, 128, 128, 128, 128]);
});

test("a group keeps messages for a persistent member that is away", async () => {
  const kept = { clientId: "kept", clean: false };
  const first = await WireClient.connected(server.port, kept);
  await first.subscribe(["$share/g/t", 1]);
  first.send(DISCONNECT);
  await first.closed();
  server.publish("t", "x");
  const second = await WireClient.connected(server.port, kept);
  expect(await second.message()).toMatchObject({ payload: "x", dup: false });
});
