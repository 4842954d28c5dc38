import type { Position } from "./cursor.ts";
import { Filters } from "./filter-set.ts";
import { BoundedQueue, type OverflowPolicy, type QueueLimits } from "./overflow.ts";
import type { Gap } from "./ports.ts";
import type { Reader } from "./reader.ts";
import type { Offerable } from "./subscription-index.ts";
import type { Topic, TopicFilter } from "./topic.ts";

/** Where a subscription begins. */
export type Start =
  | { readonly from: "now" }
  | { readonly from: "earliest" }
  | { readonly from: "cursor"; readonly epoch: string; readonly offset: number };

/** What a reader asks for. */
export interface SubscriptionOptions {
  /** At least one; a message that matches several is delivered once. */
  readonly filters: readonly TopicFilter[];
  readonly start: Start;
  readonly overflow: OverflowPolicy;
  /** Whether a start at `now` begins with the retained messages; other starts never do. */
  readonly retained: boolean;
}

/** What a subscription is doing. Only `live` ones are in the index and have a queue to overflow. */
export type SubscriptionState =
  | { readonly is: "retained"; snapshot: readonly Topic[] | null; next: number }
  | { readonly is: "catching-up" }
  | { readonly is: "live" }
  | { readonly is: "ended"; readonly reason: "unsubscribed" | "slow_subscriber" };

/** Messages a queue dropped and its reader has not been told of yet. */
export interface UntoldDrops {
  count: number;
  first: number;
  last: number;
  reason: "drop_oldest" | "keep_latest";
}

const LIVE: SubscriptionState = Object.freeze({ is: "live" });
const CATCHING_UP: SubscriptionState = Object.freeze({ is: "catching-up" });

/**
 * Filters with their options, owned by one reader. It catches up (retained messages, then the log)
 * at the reader's pace and becomes live when nothing is left to read; from then on the bus puts
 * positions on its bounded queue.
 */
export class Subscription implements Offerable {
  readonly reader: Reader;
  readonly filterSet: Filters;
  readonly overflow: OverflowPolicy;
  /** Whatever the transport names it by, such as the id of the `subscribe` command. */
  readonly tag: unknown;
  readonly queue: BoundedQueue;
  state: SubscriptionState = CATCHING_UP;
  /** Everything up to here has been delivered or considered; meaningful while catching up. */
  after: number;
  /** The epoch {@link after} belongs to: an earlier one until the gap it causes has been told. */
  epoch: string;
  /** A gap found and not yet told. */
  gap: Gap | null = null;
  /** Whether the reader has it among those with something queued; the reader's own note. */
  isActive = false;
  /** Drops to tell; the transport chooses when. */
  untold: UntoldDrops | null = null;
  #lastOffered = 0;

  constructor(
    reader: Reader,
    options: SubscriptionOptions,
    tag: unknown,
    after: Position,
    limits: QueueLimits,
  ) {
    this.reader = reader;
    this.filterSet = new Filters(options.filters);
    this.overflow = options.overflow;
    this.tag = tag;
    this.after = after.offset;
    this.epoch = after.epoch;
    this.queue = new BoundedQueue(limits, reader);
  }

  /**
   * Topics that hold a retained message, in the order of delivery; `null` to be looked up when their
   * turn comes. Not the messages: a reader that does not read must not keep alive what others replace.
   */
  beginRetained(snapshot: readonly Topic[] | null): void {
    this.state = { is: "retained", snapshot, next: 0 };
  }

  beginCatchingUp(): void {
    this.state = CATCHING_UP;
  }

  beginLive(lastOffset: number): void {
    this.#lastOffered = lastOffset;
    this.state = LIVE;
  }

  offer(offset: number, bytes: number, topic: Topic): void {
    // Several filters of this subscription may match: the position comes once for each.
    if (offset <= this.#lastOffered || this.state !== LIVE) return;
    this.#lastOffered = offset;
    const queue = this.queue;
    if (queue.hasRoomFor(bytes)) {
      const wasEmpty = queue.length === 0;
      const replaced = queue.push(offset, bytes, topic);
      if (replaced !== 0) this.#dropped(replaced, "keep_latest");
      if (wasEmpty) this.reader.activate(this);
      return;
    }
    this.#overflow(offset, bytes, topic);
  }

  #overflow(offset: number, bytes: number, topic: Topic): void {
    const queue = this.queue;
    switch (this.overflow) {
      case "disconnect": {
        const count = queue.length + 1;
        queue.clear();
        this.state = { is: "ended", reason: "slow_subscriber" };
        this.reader.overflowed(this, count);
        return;
      }
      case "drop-oldest":
        while (!queue.hasRoomFor(bytes)) this.#dropped(queue.shift(), "drop_oldest");
        break;
      case "keep-latest":
        for (const replaced of queue.conflate()) this.#dropped(replaced, "keep_latest");
        break;
    }
    const replaced = queue.push(offset, bytes, topic);
    if (replaced !== 0) this.#dropped(replaced, "keep_latest");
    while (queue.length > 1 && !queue.isWithinLimits) this.#dropped(queue.shift(), "keep_latest");
    this.reader.activate(this);
  }

  #dropped(offset: number, reason: UntoldDrops["reason"]): void {
    this.reader.dropped(offset, reason);
    if (this.untold === null) {
      this.untold = { count: 1, first: offset, last: offset, reason };
      return;
    }
    this.untold.count += 1;
    this.untold.first = Math.min(this.untold.first, offset);
    this.untold.last = Math.max(this.untold.last, offset);
  }
}
