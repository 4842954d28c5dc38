import { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import {
  acknowledgement,
  connectPacket,
  parsePublish,
  publishPacket,
  subscribePacket,
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

/** A peer whose bytes are all there at once, as libuv may hand over 2 MiB in a row. */
class ReadyStream extends Duplex {
  readonly answered: Promise<void>;
  #answer: () => void = () => undefined;

  constructor() {
    super();
    this.answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  override _read(): void {
    return;
  }

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    this.#answer();
    done();
  }
}

test("a burst of one publisher does not overrun the queue of a subscriber that reads", async () => {
  const small = await startMqtt({ bus: { queue: { maxMessages: 2_000, maxBytes: 1_000_000 } } });
  const reader = await WireClient.connected(small.port);
  await reader.subscribe(["t", 0]);
  const stream = new ReadyStream();
  small.transport.acceptStream(stream, { address: "127.0.0.1", certificate: { kind: "none" } });
  stream.push(connectPacket());
  await stream.answered;
  const chunks = 20;
  const perChunk = 500;
  for (let c = 0; c < chunks; c += 1) {
    const numbers = Array.from({ length: perChunk }, (_, i) => c * perChunk + i);
    stream.push(Buffer.concat(numbers.map((n) => publishPacket("t", `${n}`.padEnd(128)))));
  }
  for (let i = 0; i < chunks * perChunk; i += 1) {
    expect((await reader.message()).payload.trim()).toBe(`${i}`);
  }
  await small.stop();
});

test("a queued live value waits for the retained messages that do not fit in one write", async () => {
  const outbox = { highWaterBytes: 1_000, maxControlBytes: 4_096 };
  const small = await startMqtt({ limits: { outbox } });
  for (let i = 0; i < 20; i += 1) small.publish(`r/${i}`, `old ${"x".repeat(200)}`, 0, true);
  const reader = await WireClient.connected(small.port);
  // The live value is accepted while most of the retained ones have not been written.
  reader.send(subscribePacket(1, ["r/#", 1]), publishPacket("r/19", "new", { qos: 1 }));
  await reader.take(TYPE.suback);
  const seen: string[] = [];
  while (seen.at(-1) !== "r/19 new") {
    const next = await reader.next();
    if (next.type !== TYPE.publish) continue;
    const { topic, payload } = parsePublish(next);
    seen.push(`${topic} ${payload.slice(0, 3)}`);
  }
  expect(seen).toContain("r/19 old");
  await small.stop();
});
