import { expect } from "vitest";
import { SKIPPED_BYTES } from "../../src/bus/catch-up.ts";
import type { OverflowPolicy } from "../../src/bus/overflow.ts";
import type { Start, Subscription } from "../../src/bus/subscription.ts";
import { BusKit, type TestReader } from "./bus-kit.ts";
import { type ModelMessage, ModelSubscription, type World } from "./bus-model.ts";
import type { Delivered } from "./recording-delivery.ts";

const WINDOW = 8;
const QUEUE = { maxMessages: 4, maxBytes: 12 };

interface Held {
  readonly subscription: Subscription;
  readonly model: ModelSubscription;
}

interface HeldReader extends TestReader {
  readonly held: Held[];
}

/** A bus, its model, and the readers of both: every step acts on both and compares. */
export class BusWorld implements World {
  #kit: BusKit;
  readonly denied = new Set<string>();
  readonly readers: HeldReader[] = [];
  messages: ModelMessage[] = [];
  #retained = new Map<string, ModelMessage>();
  #slow = 0;
  #dropped = 0;
  epoch = "epoch0001";
  earlierEpoch = "unknown00";

  constructor() {
    this.#kit = this.#newKit();
  }

  get last(): number {
    return this.messages.length;
  }

  get first(): number {
    return Math.max(1, this.last - WINDOW + 1);
  }

  isDeliverable(message: ModelMessage): boolean {
    return !this.denied.has(message.topic) && this.#kit.clock.now() < message.expiresAt;
  }

  /** Whether it still is the retained message of its topic. */
  isRetained(message: ModelMessage): boolean {
    return this.#retained.get(message.topic) === message;
  }

  advance(ms: number): void {
    this.#kit.clock.advance(ms);
  }

  publish(topic: string, size: number, retain: boolean, expiry: number | undefined): void {
    const offset = this.last + 1;
    const expiresAt =
      expiry === undefined ? Number.POSITIVE_INFINITY : this.#kit.clock.now() + expiry * 1_000;
    const message = { offset, topic, size, retain, expiresAt };
    this.messages.push(message);
    if (retain && size > 0) this.#retained.set(topic, message);
    if (retain && size === 0) this.#retained.delete(topic);
    const properties = expiry === undefined ? {} : { properties: { expiry } };
    this.#kit.publish(topic, content(offset, size), { retain, ...properties });
    expect(this.#kit.bus.firstOffset).toBe(this.first);
    for (const reader of [...this.readers]) this.#fanOut(reader, message);
  }

  open(): HeldReader {
    const reader = { ...this.#kit.reader(), held: [] };
    this.readers.push(reader);
    return reader;
  }

  subscribe(
    reader: HeldReader,
    options: {
      readonly filters: readonly string[];
      readonly start: Start;
      readonly overflow: OverflowPolicy;
      readonly retained: boolean;
    },
  ): void {
    const retained = options.retained ? this.#liveRetained() : [];
    const model = new ModelSubscription(this, { ...options, retained, limits: QUEUE });
    const subscription = this.#kit.subscribe(reader.reader, options.filters, {
      ...options,
      tag: model,
    });
    reader.held.push({ subscription, model });
  }

  unsubscribe(reader: HeldReader, index: number): void {
    const [gone] = reader.held.splice(index, 1);
    if (gone === undefined) return;
    this.#dropped += gone.model.dropped;
    this.#kit.bus.unsubscribe(gone.subscription);
  }

  /** The reader's connection is gone. */
  drop(reader: HeldReader): void {
    while (reader.held.length > 0) this.unsubscribe(reader, 0);
    this.readers.splice(this.readers.indexOf(reader), 1);
    expect(reader.reader.isReady).toBe(false);
    expect(reader.pull()).toEqual([]);
  }

  /** The reader comes back with the position of its first subscription. */
  resume(reader: HeldReader): void {
    const first = reader.held[0]?.model;
    this.drop(reader);
    if (first === undefined) return;
    const behind = first.queue[0]?.offset;
    const live = behind === undefined ? this.last : behind - 1;
    const offset = first.phase === "live" ? live : first.position;
    const start: Start = { from: "cursor", epoch: first.epoch, offset };
    this.subscribe(this.open(), { ...first, start, retained: true });
  }

  /** The process starts again with an empty log: another epoch, other offsets. */
  restart(): void {
    for (const reader of [...this.readers]) this.drop(reader);
    this.earlierEpoch = this.epoch;
    this.epoch = `epoch${String(Number(this.epoch.slice(5)) + 1).padStart(4, "0")}`;
    this.messages = [];
    this.#retained.clear();
    this.#slow = 0;
    this.#dropped = 0;
    this.#kit = this.#newKit();
  }

  pull(reader: HeldReader, room: number): void {
    const { delivery } = reader;
    const wasReady = reader.reader.isReady;
    const skippedBefore = this.#skipped;
    const returned = reader.reader.pull(delivery, room);
    const calls = delivery.take();
    // What the log holds and this reader may not have takes some of the room, too.
    const excess = returned - calls.reduce((sum, call) => sum + cost(call), 0);
    expect(excess).toBeGreaterThanOrEqual(0);
    expect(excess).toBeLessThanOrEqual((this.#skipped - skippedBefore) * SKIPPED_BYTES);
    if (room === 0) expect(calls).toEqual([]);
    const lastLive = calls.findLastIndex((call) => call.kind === "live");
    calls.forEach((call, index) => {
      if (call.kind === "live") this.#acceptLive(reader, call);
      else {
        expect(index).toBeGreaterThan(lastLive);
        modelOf(reader, call).accept(call, this);
      }
    });
    const liveCost = calls.slice(0, lastLive + 1).reduce((sum, call) => sum + cost(call), 0);
    if (liveCost < room) this.#expectDrained(reader);
    for (const { subscription, model } of reader.held) model.settle(subscription, this);
    if (room === Number.POSITIVE_INFINITY && wasReady) {
      expect(reader.held.every(({ model }) => model.phase === "live")).toBe(true);
      expect(reader.reader.isReady).toBe(false);
    }
  }

  /** What must hold after every step. */
  check(): void {
    let dropped = this.#dropped;
    for (const { held } of this.readers) {
      for (const { subscription, model } of held) {
        model.checkQueue(subscription);
        expect(subscription.state.is === "live").toBe(model.phase === "live");
        dropped += model.dropped;
      }
    }
    const drops = this.#kit.observer.drops;
    expect((drops.get("drop_oldest") ?? 0) + (drops.get("keep_latest") ?? 0)).toBe(dropped);
    expect(drops.get("slow_subscriber") ?? 0).toBe(this.#slow);
    const count = this.readers.reduce((sum, { held }) => sum + held.length, 0);
    expect(this.#kit.bus.subscriptionCount).toBe(count);
  }

  /** Messages that were denied or had expired when they were due. */
  get #skipped(): number {
    const { drops } = this.#kit.observer;
    return (drops.get("forbidden") ?? 0) + (drops.get("expired") ?? 0);
  }

  #fanOut(reader: HeldReader, message: ModelMessage): void {
    let isOver = false;
    for (const { model } of reader.held) {
      const count = model.published(message);
      this.#slow += count;
      isOver ||= count > 0;
    }
    expect(reader.reader.isOver).toBe(isOver);
    // Nothing may follow what was given up, on any subscription: `drop` pulls once more.
    if (isOver) expect(reader.pull()).toEqual([]);
    if (isOver) this.drop(reader);
  }

  #acceptLive(reader: HeldReader, call: Extract<Delivered, { kind: "live" }>): void {
    for (;;) {
      const queued = reader.held.flatMap(({ model }) => model.queue);
      const lowest = queued.reduce((a, b) => (b.offset < a.offset ? b : a), queued[0] ?? NOTHING);
      for (const { model } of reader.held) model.take(lowest.offset);
      if (lowest !== NOTHING && !this.isDeliverable(lowest)) continue;
      expect(call.offset).toBe(lowest.offset);
      const text = new TextDecoder().decode(call.message?.payload);
      expect([call.message?.topic, text]).toEqual([
        lowest.topic,
        content(lowest.offset, lowest.size),
      ]);
      return;
    }
  }

  #expectDrained(reader: HeldReader): void {
    for (const { model } of reader.held) {
      for (const message of [...model.queue]) {
        expect(this.isDeliverable(message)).toBe(false);
        model.take(message.offset);
      }
    }
  }

  #liveRetained(): ModelMessage[] {
    const now = this.#kit.clock.now();
    return [...this.#retained.values()]
      .filter((message) => now < message.expiresAt)
      .sort((a, b) => a.offset - b.offset);
  }

  #newKit(): BusKit {
    return new BusKit({
      epoch: this.epoch,
      window: { maxMessages: WINDOW },
      limits: { queue: QUEUE },
      policy: {
        mayPublish: () => true,
        maySubscribe: () => true,
        mayReceive: (_identity, topic) => !this.denied.has(topic),
      },
    });
  }
}

const NOTHING: ModelMessage = {
  offset: Number.POSITIVE_INFINITY,
  topic: "",
  size: 0,
  retain: false,
  expiresAt: Number.POSITIVE_INFINITY,
};

/** Says which message it is, as far as its size allows. */
function content(offset: number, size: number): string {
  return String(offset)
    .padStart(size, "-")
    .slice(-size || 99);
}

function cost(call: Delivered): number {
  return "message" in call ? (call.message?.payload.length ?? 0) + 1 : 0;
}

function modelOf(reader: HeldReader, call: Delivered): ModelSubscription {
  const tag = "tag" in call ? call.tag : undefined;
  const held = reader.held.find(({ model }) => model === tag);
  if (held === undefined) throw new Error("a call names a subscription that is not open");
  return held.model;
}
