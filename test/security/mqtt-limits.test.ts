import { afterEach, expect, test } from "vitest";
import type { AccessPolicy } from "../../src/bus/ports.ts";
import { GatewayError } from "../../src/errors.ts";
import { type MqttServer, type MqttServerOptions, startMqtt } from "../support/mqtt-server.ts";
import {
  connectPacket,
  DISCONNECT,
  field,
  packet,
  publishPacket,
  TYPE,
  uint16,
  WireClient,
} from "../support/mqtt-wire.ts";

let server: MqttServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

async function start(options: MqttServerOptions = {}): Promise<MqttServer> {
  server = await startMqtt(options);
  return server;
}

test("a CONNECT that announces more than the limit is cut off at its header", async () => {
  const { port } = await start({ options: { maxPacketBytes: 10_000 } });
  const client = await WireClient.open(port);
  client.send(Buffer.of(0x10, 0xff, 0xff, 0xff, 0x7f));
  await client.closed();
});

test("a PUBLISH over the limit is cut off before its body is sent", async () => {
  const { port } = await start({ options: { maxPacketBytes: 10_000 } });
  const client = await WireClient.connected(port);
  client.send(packet(0x30, field("a"), Buffer.alloc(20_000)).subarray(0, 4));
  await client.closed();
});

test("a packet of exactly the limit passes, in pieces of one byte", async () => {
  const { port } = await start({ options: { maxPacketBytes: 200 } });
  const client = await WireClient.connected(port);
  const whole = publishPacket("a", Buffer.alloc(200 - 2 - 1 - 2 - 3 - 0), { qos: 1 });
  expect(whole.length).toBe(200);
  for (const byte of whole) client.send(Buffer.of(byte));
  await client.take(TYPE.puback);
});

test("a payload over the limit closes the connection without an acknowledgement", async () => {
  const { port } = await start({ bus: { maxPayloadBytes: 100 } });
  const client = await WireClient.connected(port);
  client.send(publishPacket("a", Buffer.alloc(101), { qos: 1 }));
  await client.closed();
});

test("a session that publishes faster than its limit is closed", async () => {
  const { port } = await start({ limits: { maxPublishesPerSecond: 5 } });
  const client = await WireClient.connected(port);
  client.send(...Array.from({ length: 6 }, () => publishPacket("a", "x")));
  await client.closed();
});

test("messages of QoS 2 that are never released are bounded", async () => {
  const { port } = await start({ options: { maxQueuedMessages: 3 } });
  const client = await WireClient.connected(port);
  const ids = [1, 2, 3, 4];
  client.send(...ids.map((packetId) => publishPacket("a", "x", { qos: 2, packetId })));
  await expect(readOn(client)).rejects.toThrow("closed");
});

test("a reader that stops reading is disconnected and counted, and holds up nobody", async () => {
  const { port, publish, dropped } = await start({
    bus: { queue: { maxMessages: 1_000, maxBytes: 1_000_000 } },
  });
  const frozen = await WireClient.connected(port);
  await frozen.subscribe(["big", 0]);
  frozen.socket.pause();
  const other = await WireClient.connected(port);
  await other.subscribe(["small", 1]);
  const payload = "x".repeat(65_536);
  for (let i = 0; dropped("slow_subscriber") === 0; i += 1) {
    if (i > 2_000) throw new Error("the frozen reader was never disconnected");
    publish("big", payload, 0);
    publish("small", `${i}`, 0);
    expect((await other.message()).payload).toBe(`${i}`);
  }
});

test("an unacknowledging reader with a clean session is disconnected and counted", async () => {
  const { port, publish, dropped } = await start({
    options: { maxInflight: 2, maxQueuedMessages: 5 },
  });
  const client = await WireClient.connected(port);
  await client.subscribe(["t", 1]);
  for (let i = 0; i < 6; i += 1) publish("t", `${i}`, 1);
  await expect(readOn(client)).rejects.toThrow("closed");
  expect(dropped("slow_subscriber")).toBeGreaterThan(0);
});

test("a client that does not read its answers is not read from, and others are served", async () => {
  const { port } = await start({
    limits: { outbox: { highWaterBytes: 65_536, maxControlBytes: 4_096 } },
  });
  const deaf = await WireClient.connected(port);
  deaf.socket.pause();
  const pings = Buffer.alloc(2 * 65_536, Buffer.of(0xc0, 0));
  for (let i = 0; i < 40; i += 1) deaf.socket.write(pings);
  const other = await WireClient.connected(port);
  await other.settled();
});

test("wrong credentials get return code 4", async () => {
  const { port } = await start({
    authenticator: {
      authenticate: async () => {
        throw new GatewayError("unauthenticated", "no such user");
      },
    },
  });
  const client = await WireClient.open(port);
  client.send(connectPacket({ user: "u", password: "p" }));
  expect((await client.take(TYPE.connack)).body[1]).toBe(4);
  await client.closed();
});

test("an authentication that never ends is cut off by the connect timeout", async () => {
  const { port } = await start({
    options: { connectTimeoutMs: 100 },
    authenticator: { authenticate: () => new Promise(() => undefined) },
  });
  const client = await WireClient.open(port);
  client.send(connectPacket({ user: "u", password: "p" }));
  await client.closed();
});

test("a client that connects and leaves at once, a hundred times with one id, leaves nothing", async () => {
  const { port } = await start();
  for (let i = 0; i < 100; i += 1) {
    const client = await WireClient.open(port);
    client.send(connectPacket({ clientId: "hasty", will: { topic: "w", payload: "x" } }));
    if (i % 2 === 0) client.end();
    else client.socket.end();
  }
  const last = await WireClient.connected(port, { clientId: "hasty" });
  await last.settled();
});

/** Reads packets until there are no more, which rejects. */
async function readOn(client: WireClient): Promise<never> {
  for (;;) await client.next();
}

/** Everything is allowed but what a test takes away. */
class ChangingPolicy implements AccessPolicy {
  readonly denied = new Set<string>();
  mayPublish = (_: unknown, topic: string) => !this.denied.has(`publish ${topic}`);
  maySubscribe = (_: unknown, filter: string) => !this.denied.has(`subscribe ${filter}`);
  mayReceive = (_: unknown, topic: string) => !this.denied.has(`receive ${topic}`);
}

test("a denied filter is answered with 0x80 and is not part of the session later", async () => {
  const policy = new ChangingPolicy();
  policy.denied.add("subscribe secret/#");
  const { port, publish } = await start({ policy });
  const first = await WireClient.connected(port, { clientId: "c", clean: false });
  expect(await first.subscribe(["secret/#", 1], ["open", 1])).toEqual([128, 1]);
  first.send(DISCONNECT);
  await first.closed();
  publish("secret/a", "x");
  publish("open", "marker");
  const second = await WireClient.connected(port, { clientId: "c", clean: false });
  expect((await second.message()).payload).toBe("marker");
});

test("permission withdrawn while the client is away holds back what is queued", async () => {
  const policy = new ChangingPolicy();
  const { port, publish, dropped } = await start({ policy });
  const first = await WireClient.connected(port, { clientId: "c", clean: false });
  await first.subscribe(["#", 1]);
  first.send(DISCONNECT);
  await first.closed();
  publish("secret", "x");
  publish("open", "marker");
  policy.denied.add("receive secret");
  const second = await WireClient.connected(port, { clientId: "c", clean: false });
  expect((await second.message()).payload).toBe("marker");
  expect(dropped("forbidden")).toBe(1);
});

test("a filter withdrawn while the client is away is taken from its session", async () => {
  const policy = new ChangingPolicy();
  const { port, publish } = await start({ policy });
  const first = await WireClient.connected(port, { clientId: "c", clean: false });
  await first.subscribe(["a", 1], ["b", 1]);
  first.send(DISCONNECT);
  await first.closed();
  policy.denied.add("subscribe a");
  const second = await WireClient.connected(port, { clientId: "c", clean: false });
  await second.settled();
  publish("a", "x");
  publish("b", "marker");
  expect((await second.message()).payload).toBe("marker");
});

test("retained messages under a denied topic do not reach a wildcard", async () => {
  const policy = new ChangingPolicy();
  policy.denied.add("receive secret");
  const { port, publish } = await start({ policy });
  publish("secret", "x", 1, true);
  publish("secret", "y", 0, true);
  publish("open", "marker", 1, true);
  const client = await WireClient.connected(port);
  await client.subscribe(["#", 1]);
  expect((await client.message()).payload).toBe("marker");
});

test("[MQTT-3.3.5-2] a denied PUBLISH closes the connection and a denied will is not published", async () => {
  const policy = new ChangingPolicy();
  policy.denied.add("publish secret");
  const { port, publish } = await start({ policy });
  const reader = await WireClient.connected(port);
  await reader.subscribe(["#", 0]);
  const client = await WireClient.connected(port, { will: { topic: "secret", payload: "will" } });
  client.send(publishPacket("secret", "x", { qos: 1 }));
  await client.closed();
  publish("open", "marker");
  expect((await reader.message()).payload).toBe("marker");
});

test("random bytes close connections and nothing else", async () => {
  const { port } = await start();
  const seed = Number(process.env.TEST_SEED ?? 20_261_121);
  const random = generator(seed);
  const endsAt = performance.now() + 2_000;
  while (performance.now() < endsAt) {
    const isConnected = random() < 0.5;
    const client = isConnected ? await WireClient.connected(port) : await WireClient.open(port);
    const bytes = Buffer.from(Array.from({ length: 1 + random() * 64 }, () => random() * 256));
    if (isConnected && random() < 0.5) bytes[1] = Math.max(0, bytes.length - 2);
    client.socket.end(bytes);
    client.socket.resume();
  }
  const survivor = await WireClient.connected(port);
  await survivor.settled().catch((cause: unknown) => {
    throw new Error(`seed ${seed}`, { cause });
  });
});

/** mulberry32: numbers in 0…1 that a seed repeats. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test("names inherited from Object are ordinary client ids and filters", async () => {
  const { port, publish } = await start();
  const client = await WireClient.connected(port, { clientId: "__proto__", clean: false });
  await client.subscribe(["constructor", 1], ["__proto__", 0]);
  publish("constructor", "x");
  expect((await client.message()).topic).toBe("constructor");
  client.send(packet(0xa2, uint16(3), field("__proto__")));
  await client.take(TYPE.unsuback);
});
