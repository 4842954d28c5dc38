import type { ChunkBuilder } from "./chunk-builder.ts";
import type { Environment, Write } from "./environment.ts";
import { decodeIndexEntry, type IndexedMessage } from "./index-entry.ts";
import { IndexSegment } from "./index-segment.ts";
import { LogChunk } from "./log-chunk.ts";
import { indexKey, offsetKey, readSegment } from "./log-keys.ts";

/** Topics of a filter up to which each is looked up in a segment; more are picked out of all of it. */
const MAX_LOOKUPS = 64;

/** Entries of segments that leave, removed with one commit; each costs the writing thread 1 µs. */
const MAX_REMOVALS = 4_096;

/**
 * Which messages belong to which topic, segment by segment: the older ones on disk, the newest in
 * memory, where a start puts them again by reading the tables of their chunks.
 */
export class TopicIndex {
  readonly #environment: Environment;
  /**
   * The segments on disk, rising: 8 bytes for 16,384 messages spare a reader two seeks a segment, which
   * cost it five times what looking up a topic does. The first may have lost its entries already.
   */
  readonly #segments: number[] = [];
  /** Full, and on their way to the disk. */
  #closing: IndexSegment[] = [];
  #open = new IndexSegment();
  #indexedThrough: number;

  constructor(environment: Environment, indexedThrough: number) {
    this.#environment = environment;
    this.#indexedThrough = indexedThrough;
  }

  /** Messages up to here are indexed on disk; those of the next segments too, once it is written. */
  get indexedThrough(): number {
    return this.#closing.at(-1)?.last ?? this.#indexedThrough;
  }

  /** Reads what a process before this one had in memory. Throws what the disk does. */
  restore(onFault: (error: unknown) => void): void {
    for (let at = this.#seek(0); at !== undefined; at = this.#seek(at + 1)) this.#segments.push(at);
    const range = { start: offsetKey(this.#indexedThrough + 1) };
    for (const { value } of this.#environment.entries("log", range)) {
      try {
        this.#addChunk(new LogChunk(value));
      } catch (error) {
        onFault(error);
      }
    }
  }

  /** A chunk is on disk. */
  add(chunk: ChunkBuilder): void {
    this.#makeRoomFor(chunk.count);
    for (let i = 0; i < chunk.count; i += 1) {
      this.#open.add(
        chunk.topicIds[i] ?? 0,
        chunk.offsets[i] ?? 0,
        chunk.first,
        chunk.starts[i] ?? 0,
        chunk.payloadLengths[i] ?? 0,
      );
    }
  }

  /** What makes the full segments part of the index on disk. */
  takeWrites(): { readonly writes: Write[]; committed(): void } {
    const taken = this.#closing;
    return {
      writes: taken.flatMap((segment) => segment.writes()),
      committed: () => {
        const last = taken.at(-1);
        if (last === undefined) return;
        this.#indexedThrough = last.last;
        for (const segment of taken) this.#segments.push(segment.first);
        this.#closing = this.#closing.slice(taken.length);
      },
    };
  }

  /** Removes entries of the oldest segment if all of it is below `first`; a bounded number. */
  removalsBelow(first: number): Write[] {
    const writes: Write[] = [];
    for (let oldest = this.#segments[0]; oldest !== undefined; oldest = this.#segments[0]) {
      if (this.#endOf(0) >= first) return writes;
      const range = {
        start: indexKey(oldest, 0),
        end: indexKey(oldest + 1, 0),
        limit: MAX_REMOVALS,
      };
      for (const key of this.#environment.keys("index", range)) {
        writes.push({ table: "index", key, value: null });
      }
      if (writes.length > 0) return writes;
      this.#segments.shift();
    }
    return writes;
  }

  /** The first segment on disk that begins at this offset or later. */
  segmentFrom(offset: number): number | undefined {
    return this.#segments[this.#countBelow(offset)];
  }

  /** Whether a segment on disk has a message of the topic. */
  isIn(segment: number, topicId: number): boolean {
    return this.#environment.get("index", indexKey(segment, topicId)) !== undefined;
  }

  /** Whether a message of the topic is in the part of the index that is in memory. */
  isInMemory(topicId: number): boolean {
    return [...this.#closing, this.#open].some((segment) => segment.hasTopic(topicId));
  }

  /**
   * The messages of the topics after an offset, a list for each segment, rising. Each step costs a
   * look-up for each topic, or a look at the whole segment.
   */
  *after(topicIds: readonly number[], after: number): Generator<SegmentMessages> {
    for (let i = Math.max(0, this.#countBelow(after + 2) - 1); i < this.#segments.length; i += 1) {
      const messages = this.#read(this.#segments[i] ?? 0, topicIds, after);
      yield { messages: inOrder(messages, topicIds.length), through: this.#endOf(i) };
    }
    for (const inMemory of [...this.#closing, this.#open]) {
      if (inMemory.last <= after) continue;
      const messages = topicIds.flatMap((id) => inMemory.after(id, after));
      yield { messages: inOrder(messages, topicIds.length), through: inMemory.last };
    }
  }

  #read(segment: number, topicIds: readonly number[], after: number): IndexedMessage[] {
    const found: IndexedMessage[] = [];
    const take = (value: Buffer | undefined): void => {
      if (value === undefined) return;
      for (const message of decodeIndexEntry(segment, value)) {
        if (message.offset > after) found.push(message);
      }
    };
    if (topicIds.length <= MAX_LOOKUPS) {
      for (const id of topicIds) take(this.#environment.get("index", indexKey(segment, id)));
      return found;
    }
    const wanted = new Set(topicIds);
    const range = { start: indexKey(segment, 0), end: indexKey(segment + 1, 0) };
    for (const { key, value } of this.#environment.entries("index", range)) {
      if (wanted.has(key.readUInt32BE(8))) take(value);
    }
    return found;
  }

  #addChunk(chunk: LogChunk): void {
    this.#makeRoomFor(chunk.count);
    for (let i = 0; i < chunk.count; i += 1) {
      this.#open.add(
        chunk.topicIdAt(i),
        chunk.offsetAt(i),
        chunk.first,
        chunk.startAt(i),
        chunk.payloadLengthAt(i),
      );
    }
  }

  #makeRoomFor(messages: number): void {
    if (this.#open.hasRoomFor(messages)) return;
    this.#closing.push(this.#open);
    this.#open = new IndexSegment();
  }

  /** How many segments on disk begin below an offset. */
  #countBelow(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first segment the disk has from this offset on. */
  #seek(offset: number): number | undefined {
    const range = { start: indexKey(offset, 0), limit: 1 };
    for (const key of this.#environment.keys("index", range)) return readSegment(key);
    return undefined;
  }

  /** The last offset the segment at this place may hold. */
  #endOf(place: number): number {
    const next = this.#segments[place + 1];
    return next === undefined ? this.#indexedThrough : next - 1;
  }
}

/** What one segment has of some topics. */
export interface SegmentMessages {
  readonly messages: readonly IndexedMessage[];
  /** All their messages up to here are among these and those of segments before. */
  readonly through: number;
}

function inOrder(messages: IndexedMessage[], topics: number): IndexedMessage[] {
  return topics > 1 ? messages.sort((a, b) => a.offset - b.offset) : messages;
}
