import type { Message } from "../../bus/message.ts";
import type { RetainedStore } from "../../bus/ports.ts";
import type { Topic, TopicFilter } from "../../bus/topic.ts";
import { MemoryRetainedStore } from "../memory/retained-store.ts";
import type { CommitNotes } from "./commit-queue.ts";
import { damagedBy } from "./damaged.ts";
import type { Environment } from "./environment.ts";
import { RecordWriter } from "./record-writer.ts";
import { decodeRetained, encodeRetained, retainedKey } from "./retained-record.ts";

/**
 * Retained messages in memory and, behind them, on disk. A topic that changes often within one group
 * commit is written once; one of QoS 0 is written like the others, and nobody waits for it.
 */
export class LmdbRetained implements RetainedStore {
  readonly #environment: Environment;
  readonly #notes: CommitNotes;
  readonly #kept = new MemoryRetainedStore();
  readonly #writer = new RecordWriter();
  /** Topics that changed since the last group. */
  #changed = new Set<Topic>();

  constructor(environment: Environment, notes: CommitNotes) {
    this.#environment = environment;
    this.#notes = notes;
    notes.beforeSubmit(() => this.#contribute());
  }

  /** Reads what earlier processes left; once. Throws a `StoreError` at a damaged record. */
  load(): void {
    for (const { value } of this.#environment.entries("retained")) {
      this.#kept.set(readMessage(value));
    }
  }

  get count(): number {
    return this.#kept.count;
  }

  get bytes(): number {
    return this.#kept.bytes;
  }

  get(topic: Topic): Message | undefined {
    return this.#kept.get(topic);
  }

  set(message: Message): void {
    this.#kept.set(message);
    this.#change(message.topic);
  }

  delete(topic: Topic): void {
    if (this.#kept.get(topic) === undefined) return;
    this.#kept.delete(topic);
    this.#change(topic);
  }

  match(filter: TopicFilter): Iterable<Message> {
    return this.#kept.match(filter);
  }

  #change(topic: Topic): void {
    this.#changed.add(topic);
    if (this.#changed.size === 1) this.#notes.announce();
  }

  #contribute(): null {
    const changed = this.#changed;
    if (changed.size === 0) return null;
    this.#changed = new Set();
    for (const topic of changed) {
      const message = this.#kept.get(topic);
      const record = message === undefined ? null : encodeRetained(this.#writer, message);
      this.#notes.note("retained", retainedKey(topic), record);
    }
    return null;
  }
}

function readMessage(record: Buffer): Message {
  try {
    return decodeRetained(record);
  } catch (error) {
    throw damagedBy(error, "a retained message");
  }
}
