import type { FilterSet } from "../../bus/ports.ts";
import { isExact, type Topic } from "../../bus/topic.ts";
import type { CommitNotes } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";
import { topicIdKey } from "./log-keys.ts";
import { RecentMap } from "./recent-map.ts";
import { isLongKey, topicKey } from "./topic-key.ts";
import { searchTopics } from "./topic-search.ts";
import { encodeTopicValue, readTopicName, readTopicValue } from "./topic-value.ts";

/**
 * Characters of the names each generation of a cache holds: 4 MiB, 40,000 topics of 100 characters,
 * however long a client makes them.
 */
const MAX_CACHED_CHARACTERS = 4 * 1_048_576;

/** What a cached name is charged with beside its characters. */
const ENTRY_CHARACTERS = 64;

/** The logged topics and their numbers. Numbers rise and are never used for another topic. */
export class TopicTable {
  readonly #environment: Environment;
  readonly #notes: CommitNotes;
  readonly #ids = new RecentMap<Topic, number>(MAX_CACHED_CHARACTERS);
  readonly #names = new RecentMap<number, Topic>(MAX_CACHED_CHARACTERS);
  #nextId = 1;
  #generation = 0;
  /** Commits that may bring topics to the disk: the one in flight and the next. */
  #awaited = 0;

  constructor(environment: Environment, notes: CommitNotes) {
    this.#environment = environment;
    this.#notes = notes;
    for (const key of environment.keys("topicNames", { isReverse: true, limit: 1 })) {
      this.#nextId = key.readUInt32BE(0) + 1;
    }
  }

  /** Changes when topics are added to the disk: a list of matching ones is complete until then. */
  get generation(): number {
    return this.#generation;
  }

  /** A commit has ended well; what was added since may be in it or in the next. */
  settled(): void {
    if (this.#awaited === 0) return;
    this.#awaited -= 1;
    this.#generation += 1;
  }

  /** The topic's number; a new topic gets one, noted for the next commit. */
  idOf(topic: Topic): number {
    return this.#ids.get(topic, weightOf(topic)) ?? this.find(topic) ?? this.#add(topic);
  }

  /** The topic's number, if it has one. */
  find(topic: Topic): number | undefined {
    const cached = this.#ids.get(topic, weightOf(topic));
    if (cached !== undefined) return cached;
    const key = topicKey(topic);
    const noted = this.#notes.peek("topics", key);
    if (noted === null) return undefined;
    const value = noted ?? this.#environment.get("topics", key);
    if (value === undefined) return undefined;
    const { id } = readTopicValue(value);
    this.#ids.set(topic, id, weightOf(topic));
    return id;
  }

  nameOf(id: number): Topic | undefined {
    const cached = this.#names.get(id, weightOf);
    if (cached !== undefined) return cached;
    const key = topicIdKey(id);
    const bytes = this.#notes.peek("topicNames", key) ?? this.#environment.get("topicNames", key);
    if (bytes === undefined) return undefined;
    const name = readTopicName(bytes);
    this.#names.set(id, name, weightOf(name));
    return name;
  }

  /**
   * The numbers of all topics on disk that the filters match, each once; `null` when there are more
   * than `maxFound`, or too many to look through.
   */
  matching({ filters }: FilterSet, maxFound: number): readonly number[] | null {
    const found = new Set<number>();
    for (const filter of filters) {
      if (isExact(filter)) {
        const id = this.find(filter);
        if (id !== undefined) found.add(id);
        continue;
      }
      const ids = searchTopics(this.#environment, filter, maxFound);
      if (ids === null) return null;
      for (const id of ids) found.add(id);
    }
    return found.size > maxFound ? null : [...found];
  }

  /** The first topic on disk from this key on. */
  firstFrom(start: Buffer): StoredTopic | undefined {
    for (const { key, value } of this.#environment.entries("topics", { start, limit: 1 })) {
      const { id, name } = readTopicValue(value);
      return { key, id, topic: name ?? topicOfKey(key) };
    }
    return undefined;
  }

  /** Whether the topic may be in use without the disk knowing. */
  isRecent({ key, id, topic }: StoredTopic): boolean {
    return (
      this.#ids.has(topic) || this.#names.has(id) || this.#notes.peek("topics", key) !== undefined
    );
  }

  /** Forgets a topic of which no message is left. */
  remove({ key, id }: StoredTopic): void {
    this.#notes.note("topics", key, null);
    this.#notes.note("topicNames", topicIdKey(id), null);
  }

  #add(topic: Topic): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#awaited = 2;
    this.#ids.set(topic, id, weightOf(topic));
    this.#names.set(id, topic, weightOf(topic));
    const key = topicKey(topic);
    const name = isLongKey(key) ? topic : null;
    this.#notes.note("topics", key, encodeTopicValue({ id, name }));
    this.#notes.note("topicNames", topicIdKey(id), Buffer.from(topic));
    return id;
  }
}

function weightOf(topic: Topic): number {
  return topic.length + ENTRY_CHARACTERS;
}

/** A topic in the table. */
export interface StoredTopic {
  readonly key: Buffer;
  readonly id: number;
  readonly topic: Topic;
}

function topicOfKey(key: Buffer): Topic {
  return readTopicName(Buffer.from(key.toString().replaceAll("\0", "/")));
}
