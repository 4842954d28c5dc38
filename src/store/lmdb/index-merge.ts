import type { Environment } from "./environment.ts";
import { decodeIndexEntry, type IndexedMessage } from "./index-entry.ts";
import { indexKey, readIndexChunk } from "./log-keys.ts";

/** Index entries read at once from one topic, at most; the first time one, then twice as many. */
const MAX_BATCH = 64;

/** The messages of one topic after an offset, rising, read a few index entries at a time. */
class TopicRun {
  readonly #environment: Environment;
  readonly #topicId: number;
  readonly #after: number;
  #nextChunk: number;
  #batch = 1;
  #messages: IndexedMessage[] = [];
  #at = 0;
  #isAtEnd = false;

  constructor(environment: Environment, topicId: number, chunk: number, after: number) {
    this.#environment = environment;
    this.#topicId = topicId;
    this.#nextChunk = chunk;
    this.#after = after;
    this.#fill();
  }

  /** The next message; `undefined` at the end. */
  get head(): IndexedMessage | undefined {
    return this.#messages[this.#at];
  }

  get headOffset(): number {
    return this.#messages[this.#at]?.offset ?? Number.POSITIVE_INFINITY;
  }

  next(): void {
    this.#at += 1;
    if (this.#at === this.#messages.length) this.#fill();
  }

  #fill(): void {
    this.#messages = [];
    this.#at = 0;
    while (this.#messages.length === 0 && !this.#isAtEnd) {
      const range = {
        start: indexKey(this.#topicId, this.#nextChunk),
        end: indexKey(this.#topicId + 1, 0),
        limit: this.#batch,
      };
      let read = 0;
      for (const { key, value } of this.#environment.entries("index", range)) {
        read += 1;
        const chunk = readIndexChunk(key);
        this.#nextChunk = chunk + 1;
        for (const message of decodeIndexEntry(chunk, value)) {
          if (message.offset > this.#after) this.#messages.push(message);
        }
      }
      this.#isAtEnd = read < this.#batch;
      this.#batch = Math.min(MAX_BATCH, this.#batch * 2);
    }
  }
}

/**
 * The messages of several topics after an offset, in the order of their offsets: a heap of one run
 * for each topic. Reads one index entry of each and then only of those that come next.
 */
export class IndexMerge {
  readonly #heap: TopicRun[] = [];

  /** @param chunk the chunk that holds the first offset after `after`, or an earlier one. */
  constructor(environment: Environment, topicIds: readonly number[], chunk: number, after: number) {
    for (const id of topicIds) {
      const run = new TopicRun(environment, id, chunk, after);
      if (run.head !== undefined) this.#heap.push(run);
    }
    for (let i = (this.#heap.length >>> 1) - 1; i >= 0; i -= 1) this.#sink(i);
  }

  /** The message that comes next; `undefined` at the end. */
  get head(): IndexedMessage | undefined {
    return this.#heap[0]?.head;
  }

  next(): void {
    const first = this.#heap[0];
    if (first === undefined) return;
    first.next();
    if (first.head === undefined) {
      const last = this.#heap.pop();
      if (last === undefined || last === first) return;
      this.#heap[0] = last;
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const run = heap[from];
    if (run === undefined) return;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (this.#offsetOf(child + 1) < this.#offsetOf(child)) child += 1;
      const lower = heap[child];
      if (lower === undefined || lower.headOffset >= run.headOffset) break;
      heap[at] = lower;
      at = child;
    }
    heap[at] = run;
  }

  #offsetOf(index: number): number {
    return this.#heap[index]?.headOffset ?? Number.POSITIVE_INFINITY;
  }
}
