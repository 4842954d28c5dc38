import type { Clock } from "../../bus/clock.ts";
import type { Position } from "../../bus/cursor.ts";
import {
  type Message,
  type MessageDraft,
  type MessageProperties,
  NO_PROPERTIES,
  type Origin,
  propertyBytes,
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
import { isExact } from "../../bus/topic.ts";
import { KeptBodies } from "./kept-bodies.ts";
import { Slabs } from "./slabs.ts";
import { type Matches, type TopicLog, TopicOffsets, takeRun } from "./topic-offsets.ts";

/** Bounds of the window of recent messages. */
export interface LogWindow {
  readonly maxMessages: number;
  /** Bytes of payload and properties; the newest message is always kept, however large. */
  readonly maxBytes: number;
  /** Milliseconds since acceptance; `Infinity` keeps by count and bytes alone. */
  readonly maxAgeMs: number;
}

/** How many messages one append may drop for their age: bounded, so that no publisher pays for a long silence. */
const MAX_AGED_PER_APPEND = 64;

/**
 * Steps in which an eviction is announced, as parts of what the window holds: readers that hold
 * positions are looked through once for each sixteenth of it, not once a message.
 */
const EVICTION_STEPS = 16;

/**
 * Messages of other topics a read may look at for each match before it turns to the index. Looking
 * costs about 30 ns, so a match never costs more than half a microsecond this way, and a read of
 * everything is linear.
 */
const LOOKS_PER_MATCH = 16;

/**
 * A level of a topic costs the index about 256 bytes; topics of many levels must not cost more than
 * the messages they carry. 65,536 levels, 16 MiB, are always allowed.
 */
const NODE_BYTES = 256;
const MIN_INDEX_NODES = 65_536;

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
  readonly #maxIndexNodes: number;
  readonly #kept = new KeptBodies();
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
    this.#maxIndexNodes = Math.max(MIN_INDEX_NODES, Math.floor(maxBytes / NODE_BYTES));
    this.#slabs = new Slabs(slabBytesFor(maxBytes));
  }

  get firstOffset(): number {
    this.#dropAllAged();
    return this.#first;
  }

  /** As {@link firstOffset}, but without dropping what has become too old. */
  get oldest(): number {
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

  /** The sequence goes on after this offset; before the first append. */
  startAfter(offset: number): void {
    this.#first = offset + 1;
    this.#last = offset;
    this.#announced = offset + 1;
  }

  append(draft: MessageDraft, receipt: Receipt | null): void {
    const acceptedAt = this.#clock.now();
    const { properties } = draft;
    const bytes = draft.payload.length + propertyBytes(properties);
    this.#makeRoom(bytes, acceptedAt);
    const offset = this.#last + 1;
    const slot = offset & this.#mask;
    this.#blocks[slot] = this.#slabs.put(draft.payload);
    this.#starts[slot] = this.#slabs.start;
    this.#lengths[slot] = draft.payload.length;
    this.#flags[slot] = draft.qos | (draft.retain ? RETAIN_FLAG : 0);
    this.#receivedAt[slot] = draft.receivedAt;
    this.#acceptedAt[slot] = acceptedAt;
    if (properties !== NO_PROPERTIES) this.#properties[slot] = properties;
    this.#origins[slot] = draft.origin;
    this.#topics[slot] = this.#index.add(draft.topic, offset);
    this.#bytes += bytes;
    this.#last = offset;
    this.#listener?.ordered(offset, draft, acceptedAt);
    receipt?.accepted(offset);
  }

  at(offset: number): Message | undefined {
    if (!this.#holds(offset)) return this.#kept.get(offset);
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

  /** The QoS of a message in the window; 0 elsewhere. Costs no object. */
  qosAt(offset: number): number {
    return this.#holds(offset) ? (this.#flags[offset & this.#mask] ?? 0) & 3 : 0;
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
    this.#dropAllAged();
    if (after + 1 < this.#first) {
      return { offsets: [], through: after, gap: this.#gap("retention") };
    }
    if (after >= this.#last) return { offsets: [], through: after, gap: null };
    const { offsets, through } = this.#find(filters, after, limits.maxMessages);
    let bytes = 0;
    for (let i = 0; i < offsets.length; i += 1) {
      bytes += this.sizeAt(offsets[i] ?? 0);
      const isFull = i >= limits.maxMessages || bytes > limits.maxBytes;
      if (!isFull || i === 0) continue;
      offsets.length = i;
      return { offsets, through: offsets[i - 1] ?? after, gap: null };
    }
    return { offsets, through, gap: null };
  }

  locate(position: Position): { after: number } | { gap: Gap } {
    this.#dropAllAged();
    if (position.epoch !== this.epoch || position.offset > this.#last) {
      return { gap: this.#gap("epoch") };
    }
    if (position.offset + 1 < this.#first) return { gap: this.#gap("retention") };
    return { after: position.offset };
  }

  keep(message: Message): void {
    this.#kept.keep(message);
  }

  release(offset: number): void {
    this.#kept.release(offset);
  }

  /** By the index of the one topic; else by looking at each message while matches are frequent. */
  #find(filters: FilterSet, after: number, atLeast: number): Matches {
    const only = filters.filters.length === 1 ? filters.filters[0] : undefined;
    if (only !== undefined && isExact(only)) {
      const offsets: number[] = [];
      const run = this.#index.of(only);
      if (run === undefined) return { offsets, through: this.#last };
      return { offsets, through: takeRun(run, after, this.#last, atLeast, offsets) };
    }
    const scanned = this.#scan(filters, after, atLeast);
    const missing = atLeast - scanned.offsets.length;
    if (missing <= 0 || scanned.through >= this.#last) return scanned;
    const indexed = this.#index.after(filters, scanned.through, this.#last, missing);
    for (const offset of indexed.offsets) scanned.offsets.push(offset);
    return { offsets: scanned.offsets, through: indexed.through };
  }

  #scan(filters: FilterSet, after: number, atMost: number): Matches {
    const offsets: number[] = [];
    let offset = after;
    let looks = LOOKS_PER_MATCH;
    while (offset < this.#last && looks > 0 && offsets.length < atMost) {
      offset += 1;
      looks -= 1;
      const topic = this.#topics[offset & this.#mask];
      if (topic === undefined || !filters.matches(topic.topic)) continue;
      offsets.push(offset);
      looks += LOOKS_PER_MATCH;
    }
    return { offsets, through: offset };
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
    while (this.#index.nodeCount > this.#maxIndexNodes && this.#first <= this.#last) {
      this.#evictOne();
    }
  }

  /** Before a read or a question: what is too old must not be handed out. */
  #dropAllAged(): void {
    if (this.#window.maxAgeMs === Number.POSITIVE_INFINITY) return;
    this.#dropAged(this.#clock.now(), Number.POSITIVE_INFINITY);
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
      // Never past the newest: what is queued later would go without having been announced.
      const held = this.#last - this.#first + 1;
      this.#announced = this.#first + Math.max(1, Math.floor(held / EVICTION_STEPS));
      this.#listener?.evicting(this.#announced);
    }
    const slot = this.#first & this.#mask;
    const topic = this.#topics[slot];
    if (topic !== undefined) this.#index.dropOldest(topic);
    this.#bytes -=
      (this.#lengths[slot] ?? 0) + propertyBytes(this.#properties[slot] ?? NO_PROPERTIES);
    this.#blocks[slot] = undefined;
    this.#topics[slot] = undefined;
    this.#origins[slot] = undefined;
    if (this.#properties[slot] !== NO_PROPERTIES) this.#properties[slot] = NO_PROPERTIES;
    this.#first += 1;
  }
}

/** A sixteenth of the window, so that freeing is gradual; 64 KiB at least and 1 MiB at most. */
function slabBytesFor(maxBytes: number): number {
  return Math.min(1_048_576, Math.max(65_536, Math.floor(maxBytes / 16)));
}
