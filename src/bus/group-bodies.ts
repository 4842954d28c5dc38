import type { LastingSessions } from "./lasting-sessions.ts";
import { expiresAt, type Message } from "./message.ts";
import type { QueuedMessages } from "./overflow.ts";
import type { MessageLog } from "./ports.ts";
import type { Topic } from "./topic.ts";

/** What a group may ask about the messages it holds, wherever their bodies are. */
export class GroupBodies implements QueuedMessages {
  readonly #log: MessageLog;
  readonly #sessions: LastingSessions;
  readonly #held: () => Iterable<number>;
  readonly #endHolding: () => void;
  readonly #kept = new Set<number>();

  /** @param held every offset the group holds. */
  constructor(log: MessageLog, sessions: LastingSessions, held: () => Iterable<number>) {
    this.#log = log;
    this.#sessions = sessions;
    this.#held = held;
    this.#endHolding = sessions.addHolder(this);
  }

  sizeAt(offset: number): number {
    return this.#kept.has(offset)
      ? (this.#log.at(offset)?.payload.length ?? 0)
      : this.#log.sizeAt(offset);
  }

  topicAt(offset: number): Topic | undefined {
    return this.#log.topicAt(offset) ?? this.#messageIfKept(offset)?.topic;
  }

  /** Milliseconds since the Unix epoch; `Infinity` for never. */
  expiresAt(offset: number): number {
    const kept = this.#messageIfKept(offset);
    return kept === undefined ? this.#log.expiresAt(offset) : expiresAt(kept);
  }

  /** Called when the log is about to drop everything below an offset. */
  evicting(firstOffset: number): void {
    for (const offset of this.#held()) {
      if (offset < firstOffset) this.#keep(offset);
    }
  }

  /** Called when the log's memory is about to drop what is nowhere else. */
  evictingUnstored(firstOffset: number, isStored: (offset: number) => boolean): void {
    for (const offset of this.#held()) {
      if (offset < firstOffset && !isStored(offset)) this.#keep(offset);
    }
  }

  /** Takes up an offset of any age; `false` when there is no such message any longer. */
  take(offset: number): boolean {
    if (offset >= this.#sessions.announcedBelow) return this.#log.topicAt(offset) !== undefined;
    return this.#keep(offset);
  }

  /** The group does not hold the message any longer. */
  release(offset: number): void {
    if (this.#kept.size > 0 && this.#kept.delete(offset)) this.#sessions.release(offset);
  }

  end(): void {
    for (const offset of this.#kept) this.#sessions.release(offset);
    this.#kept.clear();
    this.#endHolding();
  }

  /** The process ends: what is kept stays so for the next one. */
  leave(): void {
    this.#endHolding();
  }

  #keep(offset: number): boolean {
    if (this.#kept.has(offset)) return true;
    if (!this.#sessions.keepAt(offset)) return false;
    this.#kept.add(offset);
    return true;
  }

  #messageIfKept(offset: number): Message | undefined {
    return this.#kept.size > 0 && this.#kept.has(offset) ? this.#log.at(offset) : undefined;
  }
}
