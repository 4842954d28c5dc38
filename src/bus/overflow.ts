import { OffsetQueue } from "./offset-queue.ts";
import type { Topic } from "./topic.ts";

/** What a full queue does. */
export const OVERFLOW_POLICIES = ["disconnect", "drop-oldest", "keep-latest"] as const;

/**
 * `disconnect`: the reader is ended and may come back with its cursor. `drop-oldest`: the oldest
 * queued message gives way. `keep-latest`: older messages of the same topic give way first.
 */
export type OverflowPolicy = (typeof OVERFLOW_POLICIES)[number];

/** Bounds of one live queue. */
export interface QueueLimits {
  readonly maxMessages: number;
  /** Payload bytes. One message is always let in, however large, so that a queue cannot jam. */
  readonly maxBytes: number;
}

/** Where a queue learns of the messages it holds only the positions of. */
export interface QueuedMessages {
  /** Payload bytes of a message that is queued. */
  sizeAt(offset: number): number;
  topicAt(offset: number): Topic | undefined;
}

/**
 * The positions of messages accepted for one subscription and not yet written. Bounded in messages
 * and bytes; it says what gave way.
 */
export class BoundedQueue {
  readonly #limits: QueueLimits;
  readonly #messages: QueuedMessages;
  readonly #offsets = new OffsetQueue();
  #bytes = 0;
  /** Newest offset by topic, in offset order; set once `keep-latest` had to act, until emptied. */
  #latest: Map<Topic, number> | null = null;

  constructor(limits: QueueLimits, messages: QueuedMessages) {
    this.#limits = limits;
    this.#messages = messages;
  }

  get length(): number {
    return this.#latest === null ? this.#offsets.length : this.#latest.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoomFor(bytes: number): boolean {
    const length = this.length;
    if (length === 0) return true;
    return length < this.#limits.maxMessages && this.#bytes + bytes <= this.#limits.maxBytes;
  }

  get isWithinLimits(): boolean {
    return this.length <= this.#limits.maxMessages && this.#bytes <= this.#limits.maxBytes;
  }

  /** Adds without asking for room. With `keep-latest` acting, returns the offset it replaces, or 0. */
  push(offset: number, bytes: number, topic: Topic): number {
    this.#bytes += bytes;
    if (this.#latest === null) {
      this.#offsets.push(offset);
      return 0;
    }
    const replaced = this.#latest.get(topic);
    if (replaced !== undefined) {
      this.#latest.delete(topic);
      this.#bytes -= this.#messages.sizeAt(replaced);
    }
    this.#latest.set(topic, offset);
    return replaced ?? 0;
  }

  /** The oldest offset; `Infinity` when empty. */
  peek(): number {
    if (this.#latest === null) return this.#offsets.peek();
    for (const offset of this.#latest.values()) return offset;
    return Number.POSITIVE_INFINITY;
  }

  /** Takes the oldest offset; `Infinity` when empty. */
  shift(): number {
    if (this.#latest !== null) return this.#shiftLatest();
    const offset = this.#offsets.shift();
    this.#bytes = this.#offsets.length === 0 ? 0 : this.#bytes - this.#messages.sizeAt(offset);
    return offset;
  }

  /**
   * Turns the queue into newest-per-topic, which it stays until it is empty.
   * Returns the offsets that gave way.
   */
  conflate(): number[] {
    if (this.#latest !== null) return [];
    const latest = new Map<Topic, number>();
    const replaced: number[] = [];
    for (let i = 0; i < this.#offsets.length; i += 1) {
      const offset = this.#offsets.at(i);
      const topic = this.#messages.topicAt(offset);
      if (topic === undefined) continue;
      const older = latest.get(topic);
      if (older !== undefined) {
        latest.delete(topic);
        this.#bytes -= this.#messages.sizeAt(older);
        replaced.push(older);
      }
      latest.set(topic, offset);
    }
    this.#offsets.clear();
    this.#latest = latest;
    return replaced;
  }

  /** Every queued offset, oldest first. */
  *offsets(): Iterable<number> {
    if (this.#latest !== null) {
      yield* this.#latest.values();
      return;
    }
    for (let i = 0; i < this.#offsets.length; i += 1) yield this.#offsets.at(i);
  }

  clear(): void {
    this.#offsets.clear();
    this.#latest = null;
    this.#bytes = 0;
  }

  #shiftLatest(): number {
    if (this.#latest === null) return Number.POSITIVE_INFINITY;
    for (const [topic, offset] of this.#latest) {
      this.#latest.delete(topic);
      this.#bytes -= this.#messages.sizeAt(offset);
      if (this.#latest.size === 0) this.clear();
      return offset;
    }
    return Number.POSITIVE_INFINITY;
  }
}
