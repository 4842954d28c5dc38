import { Bus } from "../src/bus/bus.ts";
import type { Delivery } from "../src/bus/delivery.ts";
import { type MessageDraft, NO_PROPERTIES } from "../src/bus/message.ts";
import { ANONYMOUS, type BusObserver } from "../src/bus/ports.ts";
import type { Reader, ReaderHost } from "../src/bus/reader.ts";
import type { Start } from "../src/bus/subscription.ts";
import { PROTOCOL_TOPIC_LIMITS, parseFilter, parseTopic } from "../src/bus/topic.ts";
import { MemoryMessageLog } from "../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../src/store/memory/retained-store.ts";
import { TickClock } from "../src/telemetry/tick-clock.ts";

/** Messages published before readers are pulled, as one read chunk of a busy publisher brings. */
const BATCH = 64;
const WINDOW_MESSAGES = 65_536;
const PAYLOAD = new Uint8Array(128).fill(120);

const OBSERVER: BusObserver = {
  accepted: () => undefined,
  refused: () => undefined,
  dropped: (_transport, reason) => {
    throw new Error(`the benchmark dropped a message: ${reason}`);
  },
  recovered: () => undefined,
};

/** Looks at each message as an encoder that shares its work would: by position. */
class CountingDelivery implements Delivery {
  count = 0;
  #sum = 0;

  retained(): number {
    this.count += 1;
    return 1;
  }

  recovered(): number {
    this.count += 1;
    return 1;
  }

  live(offset: number): number {
    this.count += 1;
    this.#sum += offset;
    return 1;
  }

  wentLive(): void {
    this.#sum += 1;
  }

  gap(): void {
    throw new Error("the benchmark made a gap");
  }

  dropped(): void {
    throw new Error("the benchmark dropped a message");
  }
}

class Rig {
  readonly bus = new Bus({
    log: new MemoryMessageLog({
      epoch: "bench0000",
      window: { maxMessages: WINDOW_MESSAGES, maxBytes: 67_108_864, maxAgeMs: 600_000 },
      clock: CLOCK,
    }),
    retained: new MemoryRetainedStore(),
    clock: CLOCK,
    policy: null,
    observer: OBSERVER,
    limits: {
      maxPayloadBytes: 1_048_576,
      maxRetainedMessages: 1_000,
      maxRetainedBytes: 1_048_576,
      queue: { maxMessages: 1_024, maxBytes: 16_777_216 },
    },
  });
  readonly delivery = new CountingDelivery();
  readonly #woken: Reader[] = [];
  readonly #host: ReaderHost = {
    wake: (reader) => this.#woken.push(reader),
    overflowed: () => {
      throw new Error("the benchmark ended a reader");
    },
  };

  subscribe(filter: string, start: Start = { from: "now" }): Reader {
    const reader = this.bus.openReader({ transport: "websocket", identity: ANONYMOUS }, this.#host);
    const filters = [parseFilter(filter, PROTOCOL_TOPIC_LIMITS)];
    const options = { filters, start, overflow: "disconnect", retained: false } as const;
    this.bus.subscribe(reader, options);
    return reader;
  }

  pullAll(): void {
    const woken = this.#woken;
    for (let i = 0; i < woken.length; i += 1) {
      const reader = woken[i];
      while (reader?.isReady === true) reader.pull(this.delivery, 262_144);
    }
    woken.length = 0;
  }

  /** Publishes to the topics in turn and lets readers take part after every batch. */
  publish(drafts: readonly MessageDraft[], count: number): void {
    for (let i = 0; i < count; ) {
      const end = Math.min(count, i + BATCH);
      for (; i < end; i += 1) {
        const draft = drafts[i % drafts.length];
        if (draft !== undefined) this.bus.accept(draft, ANONYMOUS, null);
      }
      this.pullAll();
    }
  }
}

const CLOCK = new TickClock();

function drafts(topics: readonly string[]): readonly MessageDraft[] {
  return topics.map((text) => ({
    topic: parseTopic(text, PROTOCOL_TOPIC_LIMITS),
    payload: PAYLOAD,
    qos: 0,
    retain: false,
    properties: NO_PROPERTIES,
    origin: { transport: "mqtt", sessionId: "bench" },
    receivedAt: CLOCK.now(),
  }));
}

/**
 * Nanoseconds of CPU time an operation, the collector's threads included: the best of 5 windows after
 * two to warm up. CPU time, because others may be using the machine.
 */
function best(operations: number, run: () => void): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let window = 0; window < 7; window += 1) {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    const ns = ((user + system) * 1_000) / operations;
    if (window >= 2) lowest = Math.min(lowest, ns);
  }
  return lowest;
}

function oneToOne(): number {
  const rig = new Rig();
  rig.subscribe("plant/1/temperature");
  const source = drafts(["plant/1/temperature"]);
  return best(300_000, () => rig.publish(source, 300_000));
}

function oneToHundred(): number {
  const rig = new Rig();
  for (let i = 0; i < 100; i += 1) rig.subscribe("plant/1/temperature");
  const source = drafts(["plant/1/temperature"]);
  return best(30_000 * 100, () => rig.publish(source, 30_000));
}

/** 100 publishers, 1,000 topics, 100 readers with a filter each: every message reaches ten. */
function hundredToHundred(): number {
  const rig = new Rig();
  for (let i = 0; i < 100; i += 1) rig.subscribe(`plant/+/sensor/${i % 10}`);
  const topics = Array.from(
    { length: 1_000 },
    (_, i) => `plant/${i % 100}/sensor/${Math.floor(i / 100)}`,
  );
  const source = drafts(topics);
  return best(100_000 * 10, () => rig.publish(source, 100_000));
}

function catchUpThrough(filter: string, matching: number, repeats: number): () => number {
  return () => {
    const rig = new Rig();
    const topics = Array.from({ length: 1_000 }, (_, i) => `plant/${i % 100}/sensor/${i}`);
    rig.publish(drafts(topics), WINDOW_MESSAGES);
    return best(matching * repeats, () => {
      for (let i = 0; i < repeats; i += 1) {
        rig.delivery.count = 0;
        const reader = rig.subscribe(filter, { from: "earliest" });
        rig.pullAll();
        if (rig.delivery.count !== matching) throw new Error(`recovered ${rig.delivery.count}`);
        if (reader.isReady) throw new Error("not live");
      }
    });
  };
}

/** A poll of one topic whose reader is the whole window behind: a page of one message. */
function sparsePoll(): number {
  const rig = new Rig();
  const rare = drafts(["rare/topic"]);
  const source = drafts(Array.from({ length: 1_000 }, (_, i) => `plant/${i}`));
  rig.publish(source, WINDOW_MESSAGES - 10);
  rig.publish(rare, 1);
  const filters = [parseFilter("rare/+", PROTOCOL_TOPIC_LIMITS)];
  const after = rig.bus.firstOffset - 1;
  return best(20_000, () => {
    for (let i = 0; i < 20_000; i += 1) {
      rig.bus.read(ANONYMOUS, filters, after, { maxMessages: 100, maxBytes: 65_536 });
    }
  });
}

/** Each returns nanoseconds for what its name says. */
export const SCENARIOS: Readonly<Record<string, () => number>> = {
  "1 to 1, a message": oneToOne,
  "1 to 100, a delivery": oneToHundred,
  "100 publishers, 100 wildcard readers, 1 to 10, a delivery": hundredToHundred,
  "catch up # over 65,536 of 1,000 topics, a message": catchUpThrough("#", WINDOW_MESSAGES, 1),
  "catch up one topic of 1,000, a message": catchUpThrough("plant/7/sensor/7", 66, 500),
  "read rare/+ the whole window behind, a read": sparsePoll,
};
