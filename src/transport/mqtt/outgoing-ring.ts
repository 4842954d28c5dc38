import type { QoS } from "../../bus/message.ts";

/** What an entry is doing; part of its byte of flags. */
export const STATE = {
  waiting: 0,
  inFlight: 4,
  /** PUBREC has arrived. */
  received: 8,
  done: 12,
} as const;

/** What else is known of an entry. */
export const FLAG = {
  /** Sent with RETAIN. */
  retained: 16,
  /** A group gave it. */
  shared: 32,
  /** Its body is kept beyond the log's window. */
  kept: 64,
  /** Answers a subscription, and its body is still with the retained store. */
  answer: 128,
} as const;

const QOS_BITS = 3;
const STATE_BITS = 12;

/** 16 entries, 208 bytes: what a client gets that acknowledges as it receives. */
const FIRST_CAPACITY = 16;

/** A ring over this is given back once it is empty: 1,024 entries are 13 KiB. */
const KEPT_CAPACITY = 1_024;

const NO_NUMBERS = new Float64Array(0);
const NO_BYTES = new Uint8Array(0);
const NO_SIZES = new Uint32Array(0);

/**
 * Entries `first…last` of a queue, 13 bytes each, by their sequence. Holds nothing until the first
 * entry, because most sessions are idle.
 */
export class EntryRing {
  #offsets: Float64Array = NO_NUMBERS;
  #flags: Uint8Array = NO_BYTES;
  #sizes: Uint32Array = NO_SIZES;
  #mask = 0;
  #first = 1;
  #last = 0;

  /** The oldest entry that is not done; `last + 1` when there is none. */
  get first(): number {
    return this.#first;
  }

  /** The newest sequence that was used. */
  get last(): number {
    return this.#last;
  }

  append(offset: number, flags: number): number {
    const sequence = this.#last + 1;
    if (sequence - this.#first >= this.#offsets.length) this.#grow(sequence - this.#first + 1);
    this.#last = sequence;
    this.put(sequence, offset, flags);
    return sequence;
  }

  /** Overwrites an entry of `first…last`. */
  put(sequence: number, offset: number, flags: number): void {
    const slot = sequence & this.#mask;
    this.#offsets[slot] = offset;
    this.#flags[slot] = flags;
    this.#sizes[slot] = 0;
  }

  offsetAt(sequence: number): number {
    return this.#offsets[sequence & this.#mask] ?? 0;
  }

  bytesAt(sequence: number): number {
    return this.#sizes[sequence & this.#mask] ?? 0;
  }

  setBytes(sequence: number, bytes: number): void {
    this.#sizes[sequence & this.#mask] = bytes;
  }

  qosAt(sequence: number): QoS {
    const qos = (this.#flags[sequence & this.#mask] ?? 0) & QOS_BITS;
    return qos === 2 ? 2 : qos === 1 ? 1 : 0;
  }

  /** One of {@link STATE}. Entries outside `first…last` are done. */
  stateAt(sequence: number): number {
    if (sequence < this.#first || sequence > this.#last) return STATE.done;
    return (this.#flags[sequence & this.#mask] ?? 0) & STATE_BITS;
  }

  setState(sequence: number, state: number): void {
    const slot = sequence & this.#mask;
    this.#flags[slot] = ((this.#flags[slot] ?? 0) & ~STATE_BITS) | state;
  }

  has(sequence: number, flag: number): boolean {
    return ((this.#flags[sequence & this.#mask] ?? 0) & flag) !== 0;
  }

  set(sequence: number, flag: number): void {
    const slot = sequence & this.#mask;
    this.#flags[slot] = (this.#flags[slot] ?? 0) | flag;
  }

  clear(sequence: number, flag: number): void {
    const slot = sequence & this.#mask;
    this.#flags[slot] = (this.#flags[slot] ?? 0) & ~flag;
  }

  /** Raises the QoS and adds RETAIN; whether that changed anything. */
  raise(sequence: number, qos: QoS, isRetained: boolean): boolean {
    const slot = sequence & this.#mask;
    const before = this.#flags[slot] ?? 0;
    const highest = Math.max(before & QOS_BITS, qos);
    const after = (before & ~QOS_BITS) | highest | (isRetained ? FLAG.retained : 0);
    this.#flags[slot] = after;
    return after !== before;
  }

  /** Whether the body is to be kept when the log drops it. */
  needsBody(sequence: number): boolean {
    const flags = this.#flags[sequence & this.#mask] ?? 0;
    const state = flags & STATE_BITS;
    if (state === STATE.done || state === STATE.received) return false;
    return (flags & (FLAG.kept | FLAG.answer)) === 0;
  }

  /** The entry is over. Its offset can be read until the next append. */
  finish(sequence: number): void {
    this.setState(sequence, STATE.done);
    if (sequence !== this.#first) return;
    let first = sequence + 1;
    while (first <= this.#last && this.stateAt(first) === STATE.done) first += 1;
    this.#first = first;
    if (first > this.#last && this.#offsets.length > KEPT_CAPACITY) this.#release();
  }

  /** Begins anew with entries `first…last`, all of them done. */
  restore(first: number, last: number): void {
    this.#release();
    this.#first = first;
    this.#last = last;
    if (last < first) return;
    this.#grow(last - first + 1);
    this.#flags.fill(STATE.done);
  }

  #release(): void {
    this.#offsets = NO_NUMBERS;
    this.#flags = NO_BYTES;
    this.#sizes = NO_SIZES;
    this.#mask = 0;
  }

  #grow(entries: number): void {
    let capacity = Math.max(FIRST_CAPACITY, this.#offsets.length);
    while (capacity < entries) capacity *= 2;
    const mask = capacity - 1;
    const offsets = new Float64Array(capacity);
    const flags = new Uint8Array(capacity);
    const sizes = new Uint32Array(capacity);
    if (this.#offsets.length > 0) {
      for (let sequence = this.#first; sequence <= this.#last; sequence += 1) {
        const slot = sequence & mask;
        offsets[slot] = this.offsetAt(sequence);
        flags[slot] = this.#flags[sequence & this.#mask] ?? 0;
        sizes[slot] = this.bytesAt(sequence);
      }
    }
    this.#offsets = offsets;
    this.#flags = flags;
    this.#sizes = sizes;
    this.#mask = mask;
  }
}
