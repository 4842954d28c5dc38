import { expect } from "vitest";
import type { OverflowPolicy, QueueLimits } from "../../src/bus/overflow.ts";
import type { GapReason } from "../../src/bus/ports.ts";
import type { Start, Subscription } from "../../src/bus/subscription.ts";
import { oracleMatches } from "./match-oracle.ts";
import type { Delivered } from "./recording-delivery.ts";

/** A message as the model knows it, for ever: it has no window. */
export interface ModelMessage {
  readonly offset: number;
  readonly topic: string;
  readonly size: number;
  readonly retain: boolean;
  readonly expiresAt: number;
}

/** What the model must know of the world to judge a call. */
export interface World {
  readonly epoch: string;
  /** The oldest offset in the window. */
  readonly first: number;
  readonly last: number;
  readonly messages: readonly ModelMessage[];
  isDeliverable(message: ModelMessage): boolean;
  /** Whether it still is the retained message of its topic. */
  isRetained(message: ModelMessage): boolean;
}

type Phase = "retained" | "catching-up" | "live" | "ended";

/** What one subscription must be given, judged call by call. It predicts no page sizes. */
export class ModelSubscription {
  readonly filters: readonly string[];
  readonly overflow: OverflowPolicy;
  readonly #limits: QueueLimits;
  phase: Phase = "catching-up";
  snapshot: ModelMessage[] = [];
  pendingGap: { readonly reason: GapReason; readonly earliest: number } | null = null;
  queue: ModelMessage[] = [];
  /** Everything that matches up to here was delivered, or said to be missing. */
  position = 0;
  epoch: string;
  dropped = 0;
  #isLatest = false;

  constructor(
    world: World,
    options: {
      readonly filters: readonly string[];
      readonly start: Start;
      readonly overflow: OverflowPolicy;
      readonly retained: readonly ModelMessage[];
      readonly limits: QueueLimits;
    },
  ) {
    this.filters = options.filters;
    this.overflow = options.overflow;
    this.#limits = options.limits;
    this.epoch = world.epoch;
    const { start } = options;
    if (start.from === "earliest") this.position = world.first - 1;
    if (start.from === "now") {
      this.position = world.last;
      this.snapshot = options.retained.filter((message) => this.wants(message));
      this.phase = this.snapshot.length > 0 ? "retained" : "live";
    }
    if (start.from === "cursor") {
      this.position = start.offset;
      this.epoch = start.epoch;
      const isForeign = start.epoch !== world.epoch || start.offset > world.last;
      const isOld = start.offset + 1 < world.first;
      if (isForeign || isOld) {
        const reason = isForeign ? "epoch" : "retention";
        this.pendingGap = { reason, earliest: world.first };
      }
    }
  }

  wants(message: ModelMessage): boolean {
    return this.filters.some((each) => oracleMatches(each, message.topic));
  }

  /** A message was published. Returns how many were given up, which ends it, or 0. */
  published(message: ModelMessage): number {
    if (this.phase !== "live" || !this.wants(message)) return 0;
    if (this.#isLatest) this.#giveUp((each) => each.topic === message.topic);
    const hasRoom =
      this.queue.length === 0 ||
      (this.queue.length < this.#limits.maxMessages &&
        this.#bytes() + message.size <= this.#limits.maxBytes);
    if (!hasRoom && this.overflow === "disconnect") {
      const count = this.queue.length + 1;
      this.queue = [];
      this.phase = "ended";
      return count;
    }
    this.queue.push(message);
    if (!hasRoom && this.overflow === "keep-latest") this.#conflate();
    while (this.queue.length > 1 && !this.#isWithinLimits()) this.#giveUpOldest();
    return 0;
  }

  /** Judges one call that names this subscription. */
  accept(call: Delivered, world: World): void {
    switch (call.kind) {
      case "retained":
        this.#acceptRetained(call.message.offset, world);
        return;
      case "gap":
        this.#acceptGap(call, world);
        return;
      case "recovered":
        this.#beginCatchingUp(world);
        expect(call.message.offset).toBe(this.#next(world)?.offset);
        this.position = call.message.offset;
        return;
      case "wentLive":
        this.#beginCatchingUp(world);
        expect(this.#next(world)).toBeUndefined();
        expect(call.offset).toBe(world.last);
        this.phase = "live";
        return;
      default:
        throw new Error(`a subscription takes no call "${call.kind}"`);
    }
  }

  /** After a pull: takes over how far the bus says it considered, once that is seen to be true. */
  settle(subscription: Subscription, world: World): void {
    if (this.phase === "retained") this.#settleRetained(subscription, world);
    if (this.phase !== "catching-up" || this.pendingGap !== null) return;
    expect(subscription.after).toBeGreaterThanOrEqual(this.position);
    const next = this.#next(world);
    if (next !== undefined) expect(subscription.after).toBeLessThan(next.offset);
    this.position = subscription.after;
  }

  /** The bounds hold, and what is queued is what the model has queued. */
  checkQueue(subscription: Subscription): void {
    const { queue } = subscription;
    expect([...queue.offsets()]).toEqual(this.queue.map((message) => message.offset));
    expect(queue.bytes).toBe(this.#bytes());
    expect(queue.length === 1 || queue.isWithinLimits).toBe(true);
  }

  /** Takes a live message out; the queue forgets that it kept the newest only once it is empty. */
  take(offset: number): void {
    this.queue = this.queue.filter((message) => message.offset !== offset);
    if (this.queue.length === 0) this.#isLatest = false;
  }

  #acceptRetained(offset: number, world: World): void {
    expect(this.phase).toBe("retained");
    this.#skipUndeliverable(world);
    expect(offset).toBe(this.snapshot.shift()?.offset);
  }

  #acceptGap(call: Extract<Delivered, { kind: "gap" }>, world: World): void {
    this.#beginCatchingUp(world);
    const { from, gap } = call;
    if (this.pendingGap !== null) {
      expect(gap).toEqual(this.pendingGap);
      expect(from).toEqual({ epoch: this.epoch, offset: this.position });
    } else {
      expect(gap).toEqual({ reason: "retention", earliest: world.first });
      expect(from.epoch).toBe(world.epoch);
      expect(from.offset).toBeGreaterThanOrEqual(this.position);
      expect(from.offset + 1).toBeLessThan(world.first);
    }
    this.pendingGap = null;
    this.epoch = world.epoch;
    this.position = gap.earliest - 1;
  }

  #beginCatchingUp(world: World): void {
    if (this.phase === "retained") {
      this.#skipUndeliverable(world);
      expect(this.snapshot).toEqual([]);
      this.phase = "catching-up";
    }
    expect(this.phase).toBe("catching-up");
  }

  /** What the bus passed over was not to be delivered then, whatever becomes of access later. */
  #settleRetained({ state }: Subscription, world: World): void {
    const left = state.is === "retained" ? (state.snapshot?.slice(state.next) ?? null) : [];
    if (left === null) return;
    const passed = this.snapshot.filter(({ topic }) => !left.some((each) => each === topic));
    expect(passed.filter((each) => isDue(each, world))).toEqual([]);
    this.snapshot = this.snapshot.filter((each) => !passed.includes(each));
    if (state.is === "catching-up") this.#beginCatchingUp(world);
  }

  #skipUndeliverable(world: World): void {
    while (this.snapshot[0] !== undefined && !isDue(this.snapshot[0], world)) this.snapshot.shift();
  }

  /** The next message it must be given: from all that ever were, so that no hole goes unseen. */
  #next(world: World): ModelMessage | undefined {
    expect(this.pendingGap).toBeNull();
    return world.messages.find(
      (message) =>
        message.offset > this.position && this.wants(message) && world.isDeliverable(message),
    );
  }

  #conflate(): void {
    this.#isLatest = true;
    this.#giveUp((each) =>
      this.queue.some((other) => other.topic === each.topic && other.offset > each.offset),
    );
  }

  #giveUp(isGivenUp: (message: ModelMessage) => boolean): void {
    const kept = this.queue.filter((message) => !isGivenUp(message));
    this.dropped += this.queue.length - kept.length;
    this.queue = kept;
  }

  #giveUpOldest(): void {
    this.queue.shift();
    this.dropped += 1;
  }

  #bytes(): number {
    return this.queue.reduce((sum, message) => sum + message.size, 0);
  }

  #isWithinLimits(): boolean {
    return this.queue.length <= this.#limits.maxMessages && this.#bytes() <= this.#limits.maxBytes;
  }
}

/** A retained message that was replaced since comes from the log in its new form. */
function isDue(message: ModelMessage, world: World): boolean {
  return world.isDeliverable(message) && world.isRetained(message);
}
