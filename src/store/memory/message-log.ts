import type { Clock } from "../../bus/clock.ts";
import type { Position } from "../../bus/cursor.ts";
import {
  type Message,
  type MessageDraft,
  type MessageProperties,
  NO_PROPERTIES,
  type Origin,
  type QoS,
} from "../../bus/message.ts";
import type {
  FilterSet,
  Gap,
  LogListener,
  LogPage,
  MessageLog,
  PageLimits,
  Receipt,
} from "../../bus/ports.ts";
import type { Topic } from "../../bus/topic.ts";
import { Slabs } from "./slabs.ts";
import { type TopicLog, TopicOffsets } from "./topic-offsets.ts";

/** Bounds of the window of recent messages. */
export interface LogWindow {
  readonly maxMessages: number;
  /** Payload bytes; the newest message is always kept, however large. */
  readonly maxBytes: number;
  /** Milliseconds since acceptance; `Infinity` keeps by count and bytes alone. */
  readonly maxAgeMs: number;
}

/** How many messages one append may drop for their age: bounded, so that no publisher pays for a long silence. */
const MAX_AGED_PER_APPEND = 64;

/**
 * Steps in which an eviction is announced, as parts of the window: readers that hold positions are
 * looked through once for each sixteenth of it, not once a message.
 */
const EVICTION_STEPS = 16;

const RETAIN_FLAG = 4;

/**
 * The message log in memory: payloads in slabs, everything else in arrays indexed by the low bits of
 * the offset. A {@link Message} object is made only when somebody asks for one.
 */
export class MemoryMessageLog implements MessageLog {
  readonly epoch: string;
  readonly isCongested = false;
  readonly #window: LogWindow;
  readonly #clock: Clock;
  readonly #slabs: Slabs;
  readonly #index = new TopicOffsets();
  readonly #mask: number;
  readonly #topics: (TopicLog | undefined)[];
  readonly #blocks: (Uint8Array | undefined)[];
  readonly #starts: Uint32Array;
  readonly #lengths: Uint32Array;
  readonly #flags: Uint8Array;
  readonly #receivedAt: Float64Array;
  readonly #acceptedAt: Float64Array;
  readonly #properties: MessageProperties[];
  readonly #origins: (Origin | undefined)[];
  readonly #evictionStep: number;
  #listener: LogListener | null = null;
  #first = 1;
  #last = 0;
  #bytes = 0;
  /** Positions below this have been announced to the listener as about to go. */
  #announced = 1;

  constructor(options: { epoch: string; window: LogWindow; clock: Clock }) {
    this.epoch = options.epoch;
    this.#window = options.window;
    this.#clock = options.clock;
    const { maxMessages, maxBytes } = options.window;
    let capacity = 16;
    while (capacity < maxMessages) capacity *= 2;
    this.#mask = capacity - 1;
    this.#topics = new Array(capacity).fill(undefined);
    this.#blocks = new Array(capacity).fill(undefined);
    this.#starts = new Uint32Array(capacity);
    this.#lengths = new Uint32Array(capacity);
    this.#flags = new Uint8Array(capacity);
    this.#receivedAt = new Float64Array(capacity);
    this.#acceptedAt = new Float64Array(capacity);
    this.#properties = new Array(capacity).fill(NO_PROPERTIES);
    this.#origins = new Array(capacity).fill(undefined);
    this.#evictionStep = Math.max(1, Math.floor(maxMessages / EVICTION_STEPS));
    this.#slabs = new Slabs(slabBytesFor(maxBytes));
  }

  get firstOffset(): number {
    return this.#first;
  }

  get lastOffset(): number {
    return this.#last;
  }

  get bytes(): number {
    return this.#bytes;
  }

  whenRelieved(callback: () => void): void {
    callback();
  }

  attach(listener: LogListener): void {
    this.#listener = listener;
  }

  append(draft: MessageDraft, receipt: Receipt | null): void {
    const acceptedAt = this.#clock.now();
    this.#makeRoom(draft.payload.length, acceptedAt);
    const offset = this.#last + 1;
    const slot = offset & this.#mask;
    this.#blocks[slot] = this.#slabs.put(draft.payload);
    this.#starts[slot] = this.#slabs.start;
    this.#lengths[slot] = draft.payload.length;
    this.#flags[slot] = draft.qos | (draft.retain ? RETAIN_FLAG : 0);
    this.#receivedAt[slot] = draft.receivedAt;
    this.#acceptedAt[slot] = acceptedAt;
    this.#properties[slot] = draft.properties;
    this.#origins[slot] = draft.origin;
    this.#topics[slot] = this.#index.add(draft.topic, offset);
    this.#bytes += draft.payload.length;
    this.#last = offset;
    this.#listener?.ordered(offset, draft, acceptedAt);
    receipt?.accepted(offset);
  }

  at(offset: number): Message | undefined {
    if (!this.#holds(offset)) return undefined;
    const slot = offset & this.#mask;
    const block = this.#blocks[slot];
    const topic = this.#topics[slot]?.topic;
    const origin = this.#origins[slot];
    if (block === undefined || topic === undefined || origin === undefined) return undefined;
    const start = this.#starts[slot] ?? 0;
    const flags = this.#flags[slot] ?? 0;
    return {
      offset,
      topic,
      payload: block.subarray(start, start + (this.#lengths[slot] ?? 0)),
      qos: (flags & 3) as QoS,
      retain: (flags & RETAIN_FLAG) !== 0,
      properties: this.#properties[slot] ?? NO_PROPERTIES,
      origin,
      receivedAt: this.#receivedAt[slot] ?? 0,
      acceptedAt: this.#acceptedAt[slot] ?? 0,
    };
  }

  sizeAt(offset: number): number {
    return this.#holds(offset) ? (this.#lengths[offset & this.#mask] ?? 0) : 0;
  }

  topicAt(offset: number): Topic | undefined {
    return this.#holds(offset) ? this.#topics[offset & this.#mask]?.topic : undefined;
  }

  expiresAt(offset: number): number {
    const slot = offset & this.#mask;
    const properties = this.#properties[slot];
    if (properties === undefined || properties === NO_PROPERTIES || !this.#holds(offset)) {
      return Number.POSITIVE_INFINITY;
    }
    if (properties.expiry === undefined) return Number.POSITIVE_INFINITY;
    return (this.#acceptedAt[slot] ?? 0) + properties.expiry * 1_000;
  }

  read(filters: FilterSet, after: number, limits: PageLimits): LogPage {
    this.#dropAged(this.#clock.now(), MAX_AGED_PER_APPEND);
    if (after + 1 < this.#first) {
      return { offsets: [], through: after, gap: this.#gap("retention") };
    }
    const candidates = this.#index.after(filters, after, this.#last, limits.maxMessages);
    const offsets: number[] = [];
    let bytes = 0;
    for (const offset of candidates.offsets) {
      const size = this.sizeAt(offset);
      const isFull = offsets.length >= limits.maxMessages || bytes + size > limits.maxBytes;
      if (isFull && offsets.length > 0) {
        return { offsets, through: offsets[offsets.length - 1] ?? after, gap: null };
      }
      offsets.push(offset);
      bytes += size;
    }
    return { offsets, through: candidates.through, gap: null };
  }

  locate(position: Position): { after: number } | { gap: Gap } {
    this.#dropAged(this.#clock.now(), MAX_AGED_PER_APPEND);
    if (position.epoch !== this.epoch || position.offset > this.#last) {
      return { gap: this.#gap("epoch") };
    }
    if (position.offset + 1 < this.#first) return { gap: this.#gap("retention") };
    return { after: position.offset };
  }

  async close(): Promise<void> {
    this.#listener = null;
  }

  #holds(offset: number): boolean {
    return offset >= this.#first && offset <= this.#last;
  }

  #gap(reason: Gap["reason"]): Gap {
    return { reason, earliest: this.#first };
  }

  #makeRoom(bytes: number, now: number): void {
    const { maxMessages, maxBytes } = this.#window;
    this.#dropAged(now, MAX_AGED_PER_APPEND);
    while (this.#last - this.#first + 1 >= maxMessages) this.#evictOne();
    while (this.#first <= this.#last && this.#bytes + bytes > maxBytes) this.#evictOne();
  }

  #dropAged(now: number, atMost: number): void {
    const { maxAgeMs } = this.#window;
    if (maxAgeMs === Number.POSITIVE_INFINITY) return;
    for (let dropped = 0; dropped < atMost && this.#first <= this.#last; dropped += 1) {
      if ((this.#acceptedAt[this.#first & this.#mask] ?? 0) + maxAgeMs > now) return;
      this.#evictOne();
    }
  }

  #evictOne(): void {
    if (this.#first >= this.#announced) {
      this.#announced = this.#first + this.#evictionStep;
      this.#listener?.evicting(this.#announced);
    }
    const slot = this.#first & this.#mask;
    const topic = this.#topics[slot];
    if (topic !== undefined) this.#index.dropOldest(topic);
    this.#bytes -= this.#lengths[slot] ?? 0;
    this.#blocks[slot] = undefined;
    this.#topics[slot] = undefined;
    this.#origins[slot] = undefined;
    this.#properties[slot] = NO_PROPERTIES;
    this.#first += 1;
  }
}

/** A sixteenth of the window, so that freeing is gradual; 64 KiB at least and 1 MiB at most. */
function slabBytesFor(maxBytes: number): number {
  return Math.min(1_048_576, Math.max(65_536, Math.floor(maxBytes / 16)));
}
