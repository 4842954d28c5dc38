import { open } from "lmdb";
import { type MessageDraft, NO_PROPERTIES } from "../../src/bus/message.ts";
import type { MessageLog, Receipt } from "../../src/bus/ports.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic, type Topic } from "../../src/bus/topic.ts";
import { LmdbStore } from "../../src/store/lmdb/lmdb-store.ts";
import { MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { type Load, PAYLOAD_BYTES } from "./throughput.ts";

const TOPICS: readonly Topic[] = Array.from({ length: 1_000 }, (_, i) =>
  parseTopic(`plant/${i % 10}/line/${i}/temperature`, PROTOCOL_TOPIC_LIMITS),
);
const TAIL = { maxMessages: 65_536, maxBytes: 64 * 1_048_576, maxAgeMs: 3_600_000 };
/** Full before the warm-up is over, so that retention runs: a message leaves for each that comes. */
const KEPT_ON_DISK = 200_000;

/** Kept from the collector, which would close what they hold. */
const opened = new Set<LmdbStore>();

/** Adds one message and answers once it is accepted. */
type Append = (index: number, accepted: () => void) => void;

/**
 * The store's port with `inFlight` messages unacknowledged, over 1,000 topics, its index and its
 * retention at work; or what it is compared with.
 */
export async function storePort(name: string, directory: string, inFlight: number): Promise<Load> {
  const append = await openStore(name, directory);
  let sent = 0;
  let accepted = 0;
  let isScheduled = false;
  let stopped: (() => void) | null = null;
  const fill = (): void => {
    isScheduled = false;
    if (stopped !== null) {
      if (sent === accepted) stopped();
      return;
    }
    // Counted beforehand: memory accepts within the call.
    const end = accepted + inFlight;
    for (; sent < end; sent += 1) append(sent, onAccepted);
  };
  // At the end of the turn, as from sockets: what one commit acknowledges makes up the next.
  const onAccepted = (): void => {
    accepted += 1;
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(fill);
  };
  fill();
  // lmdb does not let a process end that has writes under way.
  const stop = (): Promise<void> => new Promise((resolve) => (stopped = resolve));
  return { delivered: () => accepted, store: { stop } };
}

async function openStore(name: string, directory: string): Promise<Append> {
  const clock = { now: () => Date.now() };
  const epoch = "benchepoch";
  if (name === "lmdb-puts") return openPuts(directory);
  if (name === "memory-store") {
    const log = new MemoryMessageLog({ epoch, window: TAIL, clock });
    log.attach({ ordered: () => undefined, evicting: () => undefined });
    return appendTo(log);
  }
  const store = new LmdbStore({
    directory,
    epoch,
    clock,
    observer: { committed: () => undefined, failed: fail, healed: () => undefined },
    durability: "flush",
    tail: TAIL,
    disk: { maxMessages: KEPT_ON_DISK, maxBytes: 1_073_741_824, maxAgeMs: 86_400_000 },
    isQos0Stored: false,
    maxPendingBytes: 16 * 1_048_576,
  });
  await store.open();
  opened.add(store);
  return appendTo(store.log);
}

function appendTo(log: MessageLog): Append {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(0x78);
  const origin = Object.freeze({ transport: "mqtt", sessionId: "bench" } as const);
  const [first] = TOPICS;
  if (first === undefined) throw new Error("there are no topics");
  let receipt: Receipt | null = null;
  return (index, accepted) => {
    receipt ??= { accepted, refused: fail };
    const draft: MessageDraft = {
      topic: TOPICS[index % TOPICS.length] ?? first,
      payload,
      qos: 1,
      retain: false,
      properties: NO_PROPERTIES,
      origin,
      receivedAt: Date.now(),
    };
    log.append(draft, receipt);
  };
}

/** The floor: one durable put of lmdb a message, without index, retention or checksums. */
function openPuts(directory: string): Append {
  const table = open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    overlappingSync: false,
  });
  const value = Buffer.alloc(PAYLOAD_BYTES + 64, "x");
  return (index, accepted) => {
    const key = Buffer.allocUnsafe(8);
    key.writeBigUInt64BE(BigInt(index));
    table.put(key, value).then(accepted, fail);
  };
}

function fail(reason: unknown): never {
  throw new Error("the store failed", { cause: reason });
}
