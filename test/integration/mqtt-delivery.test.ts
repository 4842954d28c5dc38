import { afterEach, beforeEach, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import { acknowledgement, publishPacket, TYPE, WireClient } from "../support/mqtt-wire.ts";

let server: MqttServer;
beforeEach(async () => {
  server = await startMqtt();
});
afterEach(async () => {
  await server.stop();
});

test("a message published at QoS 0 reaches a subscriber of a wildcard filter", async () => {
  const reader = await WireClient.connected(server.port);
  expect(await reader.subscribe(["a/+", 0])).toEqual([0]);
  const writer = await WireClient.connected(server.port);
  writer.send(publishPacket("a/b", "hello"));
  expect(await reader.message()).toMatchObject({ topic: "a/b", payload: "hello", qos: 0 });
});

test("QoS 1 is acknowledged and delivered at QoS 1", async () => {
  const reader = await WireClient.connected(server.port);
  expect(await reader.subscribe(["a/b", 1])).toEqual([1]);
  const writer = await WireClient.connected(server.port);
  writer.send(publishPacket("a/b", "hello", { qos: 1, packetId: 9 }));
  expect((await writer.take(TYPE.puback)).body).toEqual(Buffer.of(0, 9));
  const message = await reader.message();
  expect(message).toMatchObject({ payload: "hello", qos: 1, dup: false, retain: false });
  reader.send(acknowledgement(TYPE.puback, message.packetId));
  await reader.settled();
});

test("QoS 2 goes through its four packets on both sides", async () => {
  const reader = await WireClient.connected(server.port);
  await reader.subscribe(["a/b", 2]);
  const writer = await WireClient.connected(server.port);
  writer.send(publishPacket("a/b", "once", { qos: 2, packetId: 5 }));
  await writer.take(TYPE.pubrec);
  writer.send(acknowledgement(TYPE.pubrel, 5));
  expect((await writer.take(TYPE.pubcomp)).body).toEqual(Buffer.of(0, 5));
  const message = await reader.message();
  expect(message).toMatchObject({ payload: "once", qos: 2 });
  reader.send(acknowledgement(TYPE.pubrec, message.packetId));
  expect((await reader.take(TYPE.pubrel)).body.readUInt16BE(0)).toBe(message.packetId);
  reader.send(acknowledgement(TYPE.pubcomp, message.packetId));
  await reader.settled();
});
