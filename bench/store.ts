import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Filters } from "../src/bus/filter-set.ts";
import { type MessageDraft, NO_PROPERTIES } from "../src/bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS, parseFilter, parseTopic, type Topic } from "../src/bus/topic.ts";
import { type Durability, LmdbStore } from "../src/store/lmdb/lmdb-store.ts";

/**
 * What the disk store takes and gives, without a transport: messages accepted a second with so many
 * in flight, the time of a sparse filter in a long log, of a start, and the memory that is not the
 * page cache's. Run it on the disk that matters: `--directory`.
 */
const { values } = parseArgs({
  options: {
    directory: { type: "string", default: "." },
    messages: { type: "string", default: "10000000" },
    durability: { type: "string", default: "flush" },
  },
});

const TOPICS: readonly Topic[] = Array.from({ length: 1_000 }, (_, i) =>
  parseTopic(`plant/${i % 10}/line/${i}/temperature`, PROTOCOL_TOPIC_LIMITS),
);
const SPARSE = parseTopic("alarm/boiler/7", PROTOCOL_TOPIC_LIMITS);
const SPARSE_COUNT = 1_000;
const PAYLOAD = Buffer.alloc(128, 0x61);
const ORIGIN = Object.freeze({ transport: "mqtt", sessionId: "bench" } as const);

const directory = mkdtempSync(join(values.directory, ".bench-store-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

function createStore(maxMessages: number): LmdbStore {
  return new LmdbStore({
    directory,
    epoch: `epoch${process.hrtime.bigint()}`,
    clock: { now: () => Date.now() },
    observer: { committed: () => undefined, failed: report, healed: () => undefined },
    durability: durabilityOf(values.durability),
    tail: { maxMessages: 65_536, maxBytes: 64 * 1_048_576, maxAgeMs: 3_600_000 },
    disk: { maxMessages, maxBytes: 64 * 1_073_741_824, maxAgeMs: 86_400_000 },
    isQos0Stored: false,
    maxPendingBytes: 16 * 1_048_576,
  });
}

function durabilityOf(text: string): Durability {
  if (text === "flush" || text === "commit" || text === "none") return text;
  throw new Error(`--durability is flush, commit or none, not ${text}`);
}

function report(fault: { readonly text: string }): void {
  process.stderr.write(`${fault.text}\n`);
}

function draft(topic: Topic): MessageDraft {
  return {
    topic,
    payload: PAYLOAD,
    qos: 1,
    retain: false,
    properties: NO_PROPERTIES,
    origin: ORIGIN,
    receivedAt: Date.now(),
  };
}

/** Appends `count` messages with `inFlight` not acknowledged at any time; seconds it took. */
function append(
  store: LmdbStore,
  count: number,
  inFlight: number,
  topicOf: (index: number) => Topic,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  const started = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  return new Promise((done, failed) => {
    let sent = 0;
    let accepted = 0;
    let isScheduled = false;
    const fill = () => {
      isScheduled = false;
      while (sent < count && sent - accepted < inFlight) {
        store.log.append(draft(topicOf(sent)), receipt);
        sent += 1;
      }
    };
    const receipt = {
      accepted: () => {
        accepted += 1;
        if (accepted === count) {
          const { user, system } = process.cpuUsage(cpu);
          const seconds = Number(process.hrtime.bigint() - started) / 1e9;
          done({ seconds, cpuSeconds: (user + system) / 1e6 });
        } else if (!isScheduled) {
          isScheduled = true;
          setImmediate(fill);
        }
      },
      refused: failed,
    };
    fill();
  });
}

function anonymousMiB(): number {
  const rollup = readFileSync("/proc/self/smaps_rollup", "utf8");
  return Number(/^Anonymous:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1_024;
}

function print(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(52)} ${value}\n`);
}

function topicAt(index: number): Topic {
  return TOPICS[index % TOPICS.length] ?? SPARSE;
}

async function measureRates(store: LmdbStore): Promise<void> {
  for (const inFlight of [64, 512, 1_024]) {
    const count = inFlight * 400;
    await append(store, inFlight * 50, inFlight, topicAt);
    const rates: number[] = [];
    let cpuSeconds = 0;
    for (let i = 0; i < 3; i += 1) {
      const run = await append(store, count, inFlight, topicAt);
      rates.push(count / run.seconds);
      cpuSeconds += run.cpuSeconds;
    }
    rates.sort((a, b) => a - b);
    const cpu = ((cpuSeconds / (3 * count)) * 1e6).toFixed(2);
    print(
      `${inFlight} in flight`,
      `${Math.round((rates[1] ?? 0) / 1_000)} k accepted/s, ${cpu} µs of CPU each, all threads`,
    );
  }
}

function measureSparse(store: LmdbStore, filter: string): void {
  const filters = new Filters([parseFilter(filter, PROTOCOL_TOPIC_LIMITS)]);
  const started = process.hrtime.bigint();
  let found = 0;
  let bytes = 0;
  let steps = 0;
  for (let after = store.log.firstOffset - 1; after < store.log.lastOffset; ) {
    const page = store.log.read(filters, after, { maxMessages: 256, maxBytes: 1_048_576 });
    for (const offset of page.offsets) bytes += store.log.at(offset)?.payload.length ?? 0;
    found += page.offsets.length;
    after = page.gap === null ? page.through : page.gap.earliest - 1;
    steps += 1;
  }
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  print(
    `read ${filter}`,
    `${found} messages, ${bytes} bytes in ${ms.toFixed(1)} ms, ${steps} steps`,
  );
}

async function main(): Promise<void> {
  const total = Number(values.messages);
  const every = Math.max(1, Math.floor(total / SPARSE_COUNT));
  const small = createStore(1_000_000);
  await small.open();
  print("anonymous memory of an empty store", `${anonymousMiB().toFixed(0)} MiB`);
  await measureRates(small);
  await small.close();
  rmSync(directory, { recursive: true, force: true });
  const store = createStore(total);
  await store.open();
  const before = anonymousMiB();
  const fill = (index: number) => (index % every === every - 1 ? SPARSE : topicAt(index));
  const filled = await append(store, total, 4_096, fill);
  print(`fill ${total} messages`, `${Math.round(total / filled.seconds / 1_000)} k/s`);
  print(
    "anonymous memory before and after",
    `${before.toFixed(0)} → ${anonymousMiB().toFixed(0)} MiB`,
  );
  await store.close();
  const again = createStore(total);
  const opened = process.hrtime.bigint();
  await again.open();
  const openMs = Number(process.hrtime.bigint() - opened) / 1e6;
  const { logMessages, fileBytes } = again.readState();
  print(`start with ${logMessages} messages`, `${openMs.toFixed(0)} ms`);
  print("file", `${(fileBytes / 1_073_741_824).toFixed(2)} GiB`);
  for (const filter of [SPARSE, "alarm/+/7", "alarm/#", "+/boiler/7", SPARSE]) {
    measureSparse(again, filter);
  }
  const full = await append(again, 400_000, 1_024, topicAt);
  print(
    "full log, 1024 in flight, with retention",
    `${Math.round(400 / full.seconds)} k accepted/s`,
  );
  print("anonymous memory at the end", `${anonymousMiB().toFixed(0)} MiB`);
  await again.close();
}

await main();
