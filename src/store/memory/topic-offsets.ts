import { OffsetQueue } from "../../bus/offset-queue.ts";
import type { FilterSet } from "../../bus/ports.ts";
import type { Topic } from "../../bus/topic.ts";
import { TopicTrie } from "../../bus/topic-trie.ts";

/** The offsets of one topic that are in the window, rising. */
export interface TopicLog {
  readonly topic: Topic;
  readonly offsets: OffsetQueue;
}

/**
 * The log's index: which offsets belong to which topic. A reader of a sparse filter visits only the
 * topics it matches, and enters each by binary search.
 */
export class TopicOffsets {
  readonly #byTopic = new Map<Topic, TopicLog>();
  readonly #trie = new TopicTrie<TopicLog>();

  get topicCount(): number {
    return this.#byTopic.size;
  }

  add(topic: Topic, offset: number): TopicLog {
    let found = this.#byTopic.get(topic);
    if (found === undefined) {
      found = { topic, offsets: new OffsetQueue() };
      this.#byTopic.set(topic, found);
      this.#trie.set(topic, found);
    }
    found.offsets.push(offset);
    return found;
  }

  /** Forgets the topic's oldest offset, and the topic with its last one. */
  dropOldest(topic: TopicLog): void {
    topic.offsets.shift();
    if (topic.offsets.length > 0) return;
    this.#byTopic.delete(topic.topic);
    this.#trie.delete(topic.topic);
  }

  /** Levels of the topics held: what the index's memory follows. */
  get nodeCount(): number {
    return this.#trie.nodeCount;
  }

  /** The offsets of one topic, without a walk; `undefined` when the window has none. */
  of(topic: Topic): OffsetQueue | undefined {
    return this.#byTopic.get(topic)?.offsets;
  }

  /**
   * The first matching offsets in `after+1…last`, rising, at least `atLeast` of them if there are so
   * many, and how far they reach: all matches up to `through` are among them. Visits every matching
   * topic, so it is for filters whose messages are rare.
   */
  after(filters: FilterSet, after: number, last: number, atLeast: number): Matches {
    const runs: OffsetQueue[] = [];
    for (const topic of this.#matching(filters)) {
      if (topic.offsets.at(topic.offsets.length - 1) > after) runs.push(topic.offsets);
    }
    // Each topic gives at most `atLeast`, so the lowest of their ends bounds what is complete.
    const offsets: number[] = [];
    let through = last;
    for (const run of runs)
      through = Math.min(through, takeRun(run, after, last, atLeast, offsets));
    if (runs.length > 1) offsets.sort((a, b) => a - b);
    while (offsets.length > 0 && (offsets[offsets.length - 1] ?? 0) > through) offsets.pop();
    return { offsets, through };
  }

  #matching(filters: FilterSet): Iterable<TopicLog> {
    const found = new Set<TopicLog>();
    for (const filter of filters.filters) this.#trie.match(filter, (topic) => found.add(topic));
    return found;
  }
}

/** What a look into the index found. */
export interface Matches {
  readonly offsets: number[];
  readonly through: number;
}

/** Adds at most `atMost` offsets of one topic; returns how far they are all of its offsets. */
export function takeRun(
  run: OffsetQueue,
  after: number,
  last: number,
  atMost: number,
  offsets: number[],
): number {
  const from = run.countThrough(after);
  const to = Math.min(run.length, from + atMost);
  for (let i = from; i < to; i += 1) offsets.push(run.at(i));
  return to < run.length ? run.at(to - 1) : last;
}
