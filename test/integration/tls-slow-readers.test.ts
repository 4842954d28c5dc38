import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../../src/bus/topic.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import {
  CertificateFolder,
  secureConnection,
  startTlsGateway,
  type TlsGateway,
} from "../support/tls.ts";

const MIB = 1_048_576;
const SEED = 20_261_121;
const TOPIC = "tls/load";

let folder: CertificateFolder;
let running: TlsGateway;

beforeEach(async () => {
  folder = await CertificateFolder.create();
});

afterEach(async () => {
  await running.stop();
  await folder.remove();
});

async function start(queueBytes: number): Promise<void> {
  const tls = folder.listener();
  const queue = { maxMessages: 1_000_000, maxBytes: queueBytes };
  running = await startTlsGateway({
    http: { tls },
    mqtt: { tls },
    tcp: { tls },
    limits: { queue },
  });
}

function publish(payload: Buffer): void {
  const origin = { transport: "http", sessionId: "test" } as const;
  const topic = parseTopic(TOPIC, PROTOCOL_TOPIC_LIMITS);
  const draft = { topic, payload, qos: 0, retain: false, properties: {}, origin } as const;
  running.gateway.bus.accept({ ...draft, receivedAt: Date.now() }, { user: null }, null);
}

function options(scheme: string) {
  return { port: running.port(scheme), servername: "localhost", ca: folder.ca.pem.cert };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a reader has received, in order, as one hash. */
class Received {
  count = 0;
  readonly #hash = createHash("sha256");

  add(payload: Uint8Array): void {
    this.count += 1;
    this.#hash.update(`${payload.length}:`).update(payload);
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}

interface Reader {
  readonly received: Received;
  close(): void;
}

interface Throttled {
  pause(): unknown;
  resume(): unknown;
}

/** Now and then a reader takes nothing for a moment, so that the gateway's writes pile up. */
function stumble(stream: Throttled, random: SeededRandom): void {
  if (random.below(4) > 0) return;
  stream.pause();
  setTimeout(() => stream.resume(), random.below(4));
}

const SUBSCRIBE = JSON.stringify({ type: "subscribe", id: 1, filter: TOPIC });

function readFrame(text: string, received: Received, whenLive: () => void): void {
  const frame = JSON.parse(text);
  if (frame.type === "live") whenLive();
  if (frame.type === "message") received.add(Buffer.from(frame.payload, frame.encoding));
}

async function lineReader(random: SeededRandom): Promise<Reader> {
  const received = new Received();
  const socket = await secureConnection(options("tls"));
  const live = new Promise<void>((resolve) => {
    createInterface({ input: socket }).on("line", (line) => readFrame(line, received, resolve));
  });
  socket.on("data", () => stumble(socket, random));
  socket.write(`${SUBSCRIBE}\n`);
  await live;
  return { received, close: () => socket.destroy() };
}

async function frameReader(random: SeededRandom): Promise<Reader> {
  const received = new Received();
  const socket = new WebSocket(`wss://localhost:${running.port("https")}/ws`, options("https"));
  const live = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      readFrame(String(data), received, resolve);
      stumble(socket, random);
    });
  });
  await once(socket, "open");
  socket.send(SUBSCRIBE);
  await live;
  return { received, close: () => socket.terminate() };
}

async function mqttReader(): Promise<Reader> {
  const received = new Received();
  const client = await connectAsync(`mqtts://localhost:${running.port("mqtts")}`, options("mqtts"));
  client.on("message", (_topic, payload) => received.add(payload));
  await client.subscribeAsync(TOPIC);
  return { received, close: () => client.end(true) };
}

test("every reader gets every byte, whatever still lies in TLS when the next is written", async () => {
  await start(64 * MIB);
  const random = new SeededRandom(SEED);
  const readers = await Promise.all([
    ...Array.from({ length: 4 }, (_, index) => lineReader(new SeededRandom(SEED + index))),
    ...Array.from({ length: 4 }, (_, index) => frameReader(new SeededRandom(SEED - index))),
    ...Array.from({ length: 2 }, mqttReader),
  ]);
  const expected = new Received();
  // Pieces below and above the size at which a write takes them without a copy (4 KiB).
  const block = random.bytes(65_536);
  for (let burst = 0; burst < 300; burst += 1) {
    for (let left = random.below(20); left >= 0; left -= 1) {
      const length = random.below(8) === 0 ? random.below(20_000) : random.below(200);
      const start = random.below(block.length - length);
      const payload = Buffer.from(block.subarray(start, start + length));
      publish(payload);
      expected.add(payload);
    }
    await nextTurn();
  }
  for (const { received } of readers) {
    await expect.poll(() => received.count, { timeout: 20_000 }).toBe(expected.count);
  }
  const digest = expected.digest();
  expect(readers.map(({ received }) => received.digest())).toEqual(readers.map(() => digest));
  for (const reader of readers) reader.close();
});

test.each(["tls", "wss"])(
  "a reader of %s that stops reading is cut off at its bound, and holds up nobody",
  async (scheme) => {
    await start(MIB);
    const fluent = await lineReader(new SeededRandom(SEED));
    const stuck = await secureConnection(options(scheme === "wss" ? "https" : scheme));
    if (scheme === "wss") stuck.write(UPGRADE);
    stuck.write(scheme === "wss" ? maskedText(SUBSCRIBE) : `${SUBSCRIBE}\n`);
    await expect.poll(() => running.gateway.bus.subscriptionCount).toBe(2);
    stuck.pause();
    const payload = Buffer.alloc(16_384, "x");
    let published = 0;
    // 64 MiB: the kernel's buffers of a connection take a tenth of that, and its queue 1 MiB.
    while (published < 4_096) {
      for (let left = 16; left > 0; left -= 1) publish(payload);
      published += 16;
      await expect.poll(() => fluent.received.count, { interval: 1 }).toBe(published);
    }
    expect(running.gateway.bus.subscriptionCount).toBe(1);
    let received = 0;
    stuck.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    stuck.on("error", () => undefined);
    await once(stuck.resume(), "close");
    expect(received).toBeLessThan(16 * MIB);
    fluent.close();
  },
);

const UPGRADE = [
  "GET /ws HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

/** A short text frame of a client, masked with zeros (RFC 6455 §5.2). */
function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)]);
}
