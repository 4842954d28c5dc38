import type { Message } from "../../bus/message.ts";
import type { FilterSet } from "../../bus/ports.ts";
import { isExact, type Topic } from "../../bus/topic.ts";
import type { Environment } from "./environment.ts";
import { LogChunk, readOne } from "./log-chunk.ts";
import { offsetKey, readOffsetKey } from "./log-keys.ts";
import type { StoredRecord } from "./log-record.ts";
import type { PageBuilder } from "./page-builder.ts";
import { RecentMap } from "./recent-map.ts";
import { CorruptedError } from "./store-fault.ts";
import type { TopicIndex } from "./topic-index.ts";
import type { TopicTable } from "./topic-table.ts";

/** Chunks of each generation of the cache, in bytes: 32 of them, for readers of everything. */
const MAX_CACHED_BYTES = 2 * 1_048_576;

/** Places of messages that were just found, of each generation: several pages of several readers. */
const MAX_HINTS = 8_192;

/**
 * Messages of other topics a read may look at for each match before it turns to the index, and
 * before the first match. A look costs 20 ns, an entry of the index 2 µs.
 */
const LOOKS_PER_MATCH = 64;
const FIRST_LOOKS = 1_024;

/** Matching topics of one filter set that are followed by the index; others by looking at all. */
const MAX_INDEXED_TOPICS = 1_024;

/** Looks of one step when the index does not help: about 1 ms. */
const STEP_LOOKS = 32_768;

/** Topics and messages looked up in the index in one step: about 5 ms. */
const STEP_SEEKS = 2_048;

/** Topics a filter set is remembered to match or not. */
const MAX_VERDICTS = 65_536;

interface Hint {
  readonly chunk: number;
  readonly start: number;
}

/** The filters of one reader and what is known of them. */
interface FilterState {
  readonly verdicts: Map<number, boolean>;
  generation: number;
  ids: readonly number[] | null;
}

/** Reads what is on disk. Throws what the disk does, and {@link CorruptedError}. */
export class DiskLog {
  readonly #environment: Environment;
  readonly #topics: TopicTable;
  readonly #index: TopicIndex;
  readonly #chunks = new RecentMap<number, LogChunk>(MAX_CACHED_BYTES);
  readonly #hints = new RecentMap<number, Hint>(MAX_HINTS);
  readonly #states = new WeakMap<FilterSet, FilterState>();

  constructor(environment: Environment, topics: TopicTable, index: TopicIndex) {
    this.#environment = environment;
    this.#topics = topics;
    this.#index = index;
  }

  messageAt(offset: number): Message | undefined {
    const record = this.#recordAt(offset);
    if (record === undefined) return undefined;
    const topic = this.#topics.nameOf(record.topicId);
    if (topic === undefined) throw new CorruptedError(`topic ${record.topicId} has no name`);
    return record.toMessage(topic);
  }

  payloadLengthAt(offset: number): number {
    const place = this.#placeOf(offset);
    return place === null ? 0 : place.chunk.payloadLengthAt(place.index);
  }

  topicAt(offset: number): Topic | undefined {
    const place = this.#placeOf(offset);
    return place === null ? undefined : this.#topics.nameOf(place.chunk.topicIdAt(place.index));
  }

  /** Where the chunk begins that follows the one of this offset; `undefined` at the end. */
  firstOfNextChunk(offset: number): number | undefined {
    const key = this.#keyFor(offset) ?? offset;
    const range = { start: offsetKey(key + 1), limit: 1 };
    for (const next of this.#environment.keys("log", range)) return readOffsetKey(next);
    return undefined;
  }

  /** A chunk has been removed. */
  forget(chunk: number): void {
    this.#chunks.delete(chunk);
  }

  /**
   * Offers the page the matching messages in `after+1…through`, by looking at all of them while
   * matches are frequent, else by the index. Returns how far it came; bounded in work.
   */
  find(filters: FilterSet, after: number, through: number, page: PageBuilder): number {
    const only = filters.filters.length === 1 ? filters.filters[0] : undefined;
    if (only !== undefined && isExact(only)) {
      const id = this.#topics.find(only);
      return id === undefined ? through : this.#findByIndex([id], after, through, page);
    }
    const state = this.#stateOf(filters);
    const scanned = this.#scan(filters, state, { after, through, looks: FIRST_LOOKS }, page);
    if (scanned >= through || page.isFull) return scanned;
    const ids = this.#matchingIds(filters, state);
    if (ids !== null) return this.#findByIndex(ids, scanned, through, page);
    return this.#scan(filters, state, { after: scanned, through, looks: STEP_LOOKS }, page);
  }

  #scan(
    filters: FilterSet,
    state: FilterState,
    step: { readonly after: number; readonly through: number; readonly looks: number },
    page: PageBuilder,
  ): number {
    let { after, looks } = step;
    let chunk = this.#chunkFor(after + 1);
    while (chunk !== undefined && chunk.first <= step.through) {
      for (let i = chunk.countThrough(after); i < chunk.count; i += 1) {
        const offset = chunk.offsetAt(i);
        if (offset > step.through) return step.through;
        if (looks === 0) return after;
        looks -= 1;
        if (this.#matches(filters, state, chunk.topicIdAt(i))) {
          if (!page.offer(offset, chunk.payloadLengthAt(i))) return after;
          looks += LOOKS_PER_MATCH;
        }
        after = offset;
      }
      chunk = this.#chunkAfter(chunk.first);
    }
    return step.through;
  }

  #findByIndex(ids: readonly number[], after: number, through: number, page: PageBuilder): number {
    if (ids.length === 0) return through;
    let reached = after;
    let work = 0;
    for (const segment of this.#index.after(ids, after)) {
      for (const { offset, chunk, start, payloadLength } of segment.messages) {
        if (offset > through) return through;
        if (!page.offer(offset, payloadLength)) return reached;
        this.#hints.set(offset, { chunk, start });
        reached = offset;
      }
      reached = Math.max(reached, segment.through);
      work += ids.length + segment.messages.length;
      if (work > STEP_SEEKS) return Math.min(reached, through);
    }
    return through;
  }

  #matches(filters: FilterSet, state: FilterState, topicId: number): boolean {
    const known = state.verdicts.get(topicId);
    if (known !== undefined) return known;
    const topic = this.#topics.nameOf(topicId);
    const verdict = topic !== undefined && filters.matches(topic);
    if (state.verdicts.size >= MAX_VERDICTS) state.verdicts.clear();
    state.verdicts.set(topicId, verdict);
    return verdict;
  }

  #matchingIds(filters: FilterSet, state: FilterState): readonly number[] | null {
    const { generation } = this.#topics;
    if (state.generation !== generation) {
      state.ids = this.#topics.matching(filters, MAX_INDEXED_TOPICS);
      state.generation = generation;
    }
    return state.ids;
  }

  #stateOf(filters: FilterSet): FilterState {
    let state = this.#states.get(filters);
    if (state === undefined) {
      state = { verdicts: new Map(), generation: -1, ids: null };
      this.#states.set(filters, state);
    }
    return state;
  }

  #recordAt(offset: number): StoredRecord | undefined {
    const hint = this.#hints.get(offset);
    if (hint !== undefined && !this.#chunks.has(hint.chunk)) {
      const bytes = this.#environment.view("log", offsetKey(hint.chunk));
      return bytes === undefined ? undefined : readOne(bytes, hint.start, offset);
    }
    const place = this.#placeOf(offset);
    return place === null ? undefined : place.chunk.recordAt(place.index, false);
  }

  #placeOf(offset: number): { readonly chunk: LogChunk; readonly index: number } | null {
    const chunk = this.#chunkFor(offset);
    if (chunk === undefined) return null;
    const index = chunk.countThrough(offset) - 1;
    return index >= 0 && chunk.offsetAt(index) === offset ? { chunk, index } : null;
  }

  /** The chunk that holds the offset if any does: the last that begins at or before it, or the first. */
  #chunkFor(offset: number): LogChunk | undefined {
    const key = this.#keyFor(offset);
    return key === undefined ? this.#chunkAfter(offset) : this.#chunk(key);
  }

  #keyFor(offset: number): number | undefined {
    const range = { start: offsetKey(offset), isReverse: true, limit: 1 };
    for (const key of this.#environment.keys("log", range)) return readOffsetKey(key);
    return undefined;
  }

  #chunkAfter(first: number): LogChunk | undefined {
    const range = { start: offsetKey(first + 1), limit: 1 };
    for (const key of this.#environment.keys("log", range)) return this.#chunk(readOffsetKey(key));
    return undefined;
  }

  #chunk(first: number): LogChunk | undefined {
    const cached = this.#chunks.get(first, bytesOf);
    if (cached !== undefined) return cached;
    const bytes = this.#environment.get("log", offsetKey(first));
    if (bytes === undefined) return undefined;
    const chunk = new LogChunk(bytes);
    this.#chunks.set(first, chunk, chunk.byteLength);
    return chunk;
  }
}

function bytesOf({ byteLength }: LogChunk): number {
  return byteLength;
}
