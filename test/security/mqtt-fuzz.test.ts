import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Logger } from "../../src/telemetry/logger.ts";
import { closed } from "../support/closed.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { ENGINES, type EngineName } from "../support/mqtt/brokers.ts";
import { type Conversation, MqttFuzzer } from "../support/mqtt/fuzz.ts";
import { type Level, PINGREQ } from "../support/mqtt/packets.ts";
import { RawClient } from "../support/mqtt/raw-client.ts";
import type { Received } from "../support/mqtt/received.ts";

/** Set to repeat a failed run; printed with every failure. */
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const BUDGET_MS = Number(process.env.TEST_FUZZ_MS ?? 2_500);
const CONNECTION_DEADLINE_MS = 2_000;
/** Few, so that what is under way when something breaks is nearly what broke it. */
const WORKERS = 4;

/** Conversations that broke something once, or were built to: one file each, a line of hex a write. */
const CORPUS = new URL("corpus/mqtt/", import.meta.url);

/** Everything is bounded so tightly that what is not bounded shows. A session's absence ends after 1 s. */
const SETTINGS = {
  mqtt: { sessionExpirySeconds: 1, maxSessions: 16, maxInflight: 8, maxQueuedMessages: 200 },
  limits: { retained: { maxMessages: 50 } },
  log: { maxMessages: 1_000 },
};

/** What may stay reachable after the second half of a run that was not after the first. */
const GROWTH_BYTES = 16 * 1_048_576;

class Faults {
  readonly seen: string[] = [];
  readonly logger: Logger;
  readonly #uncaught = (error: unknown) => this.#add(error);

  constructor() {
    const logger: Logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (message, fields) => this.#add(message, fields?.error),
      child: () => logger,
    };
    this.logger = logger;
  }

  listen(): void {
    process.on("uncaughtException", this.#uncaught);
    process.on("unhandledRejection", this.#uncaught);
  }

  silence(): void {
    process.off("uncaughtException", this.#uncaught);
    process.off("unhandledRejection", this.#uncaught);
  }

  #add(...what: readonly unknown[]): void {
    const told = what.map((part) =>
      part instanceof Error ? (part.stack ?? part.message) : String(part),
    );
    this.seen.push(told.join(": "));
  }
}

/** Reads everything there is with a strict eye: what garbage leads to must be well-formed for others. */
class Watcher {
  readonly #client: RawClient;
  #isOver = false;
  #reading: Promise<void> = Promise.resolve();

  private constructor(client: RawClient) {
    this.#client = client;
  }

  static async start(port: number, level: Level, qos: number): Promise<Watcher> {
    const client = await RawClient.open(port, level);
    await client.connect({ clientId: `watcher${level}` });
    await client.subscribe(["#", qos]);
    const watcher = new Watcher(client);
    watcher.#reading = watcher.#readOn();
    // Told by `stop`; until then it is nobody's.
    watcher.#reading.catch(() => undefined);
    return watcher;
  }

  /** Rejects when anything that came was not as it must be. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    const client = this.#client;
    while (!this.#isOver) {
      client.send(PINGREQ);
      for (let packet = await client.next(); packet.type !== "pingresp"; ) {
        this.#answer(packet);
        packet = await client.next();
      }
      await turn();
    }
    client.drop();
  }

  #answer(packet: Received): void {
    const client = this.#client;
    if (packet.type === "pubrel") {
      client.send(client.write.acknowledge("pubcomp", packet.packetId));
    } else if (packet.type !== "publish") {
      throw new Error(`unexpected ${JSON.stringify(packet)}`);
    } else if (packet.qos > 0) {
      const name = packet.qos === 1 ? "puback" : "pubrec";
      client.send(client.write.acknowledge(name, packet.packetId));
    }
  }
}

describe.each(ENGINES)("broken conversations with the engine %s", (engine) => {
  let faults: Faults;
  let running: RunningGateway;
  let port: number;

  beforeEach(async () => {
    faults = new Faults();
    faults.listen();
    const { mqtt, ...others } = SETTINGS;
    running = await startGateway({ mqtt: { ...mqtt, engine }, ...others }, {}, faults.logger);
    port = Number(new URL(running.urls.mqtt).port);
  });

  afterEach(async () => {
    faults.silence();
    await running.stop();
  });

  test(`leave it alive, strict towards others, and empty (seed ${SEED})`, async () => {
    const fuzzer = new MqttFuzzer(SEED);
    const watchers = await watchersOf(engine, port);
    const suspects = await talk(fuzzer, port, BUDGET_MS / 2, faults);
    const before = await heapBytes();
    suspects.push(...(await talk(fuzzer, port, BUDGET_MS / 2, faults)));
    const after = await heapBytes();
    keep(engine, faults.seen.length > 0 ? suspects : []);
    expect(faults.seen).toEqual([]);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    await expectServing(engine, port);
    await expectEmpty(running);
    expect(after - before).toBeLessThan(GROWTH_BYTES);
  });

  test.each(corpus())("kept in %s break nothing", async (_, conversation) => {
    const watchers = await watchersOf(engine, port);
    await send(port, conversation);
    expect(faults.seen).toEqual([]);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    await expectServing(engine, port);
    await expectEmpty(running);
  });
});

function watchersOf(engine: EngineName, port: number): Promise<Watcher[]> {
  const levels = engine === "native" ? ([4, 5] as const) : ([4] as const);
  return Promise.all(levels.map((level) => Watcher.start(port, level, level - 3)));
}

/** Talks for a time, or until something breaks; returns what was said last. */
async function talk(
  fuzzer: MqttFuzzer,
  port: number,
  durationMs: number,
  faults: Faults,
): Promise<Conversation[]> {
  const deadline = performance.now() + durationMs;
  const workers = Array.from({ length: WORKERS }, async () => {
    let last: Conversation = [];
    while (performance.now() < deadline && faults.seen.length === 0) {
      last = fuzzer.pieces(fuzzer.next());
      await send(port, last);
    }
    return last;
  });
  return await Promise.all(workers);
}

/** Sends the pieces, some in one write and some in turns of their own; ends, or breaks off. */
async function send(port: number, pieces: Conversation): Promise<void> {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  // The gateway may reset what breaks its framing; that is an answer too.
  socket.on("error", () => socket.destroy());
  socket.setTimeout(CONNECTION_DEADLINE_MS, () => socket.destroy());
  socket.resume();
  for (const [index, piece] of pieces.entries()) {
    if (socket.destroyed) break;
    socket.write(piece);
    // Lets the gateway answer in between, so that acknowledgements meet what was delivered.
    if (index % 3 === 0) await turn();
  }
  socket.end();
  await closed(socket);
}

async function expectServing(engine: EngineName, port: number): Promise<void> {
  const levels = engine === "native" ? ([3, 4, 5] as const) : ([3, 4] as const);
  for (const level of levels) {
    const reader = await RawClient.open(port, level);
    await reader.connect({ clientId: "reader" });
    await reader.subscribe(["after/#", 2]);
    const writer = await RawClient.open(port, level);
    await writer.connect({ clientId: "writer" });
    for (const qos of [0, 1, 2]) {
      await writer.publish("after/all", `${qos}`, { qos });
      expect(await reader.payloads(1)).toEqual([`${qos}`]);
    }
    await writer.leave();
    await reader.leave();
  }
}

/** Connections are over; sessions end with their connections, or as they expire. */
async function expectEmpty({ gateway }: RunningGateway): Promise<void> {
  const left = () => ({
    sessions: gateway.sessions.count,
    subscriptions: gateway.bus.subscriptionCount,
    watched: gateway.bus.indexSize,
  });
  const nothing = { sessions: 0, subscriptions: 0, watched: 0 };
  await vi.waitFor(() => expect(left()).toEqual(nothing), { timeout: 8_000, interval: 50 });
}

/** Bytes that are in use after a full collection. */
async function heapBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("the collector cannot be called");
  await turn();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function corpus(): [name: string, conversation: Conversation][] {
  const files = readdirSync(CORPUS).filter((name) => name.endsWith(".hex"));
  return files.sort().map((name) => {
    const lines = readFileSync(new URL(name, CORPUS), "utf8").split("\n");
    const written = lines.filter((line) => line !== "" && !line.startsWith("#"));
    return [name, written.map((line) => Buffer.from(line.replaceAll(" ", ""), "hex"))];
  });
}

/** Puts what may have broken something into the corpus, to be tried again in every later run. */
function keep(engine: EngineName, suspects: readonly Conversation[]): void {
  for (const [index, pieces] of suspects.entries()) {
    if (pieces.length === 0) continue;
    const file = new URL(`${engine}-${SEED}-${index}.hex`, CORPUS);
    const head = `# Under way when the engine ${engine} failed with seed ${SEED}.`;
    const lines = pieces.map((piece) => piece.toString("hex"));
    writeFileSync(fileURLToPath(file), `${[head, ...lines].join("\n")}\n`);
  }
}
