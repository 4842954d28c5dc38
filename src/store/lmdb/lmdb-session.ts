import type { QueueEntry, StoredSession } from "../../bus/session-store.ts";
import type { CommitNotes } from "./commit-queue.ts";
import { QueueRuns } from "./queue-runs.ts";
import { encodeRun } from "./queue-run-record.ts";
import type { RecordWriter } from "./record-writer.ts";
import { runKey, SESSION_RECORDS, sessionKey } from "./session-keys.ts";
import {
  encodeIdentity,
  encodeIncoming,
  encodeProgress,
  noProgress,
  type SessionIdentity,
  type SessionProgress,
} from "./session-records.ts";

/**
 * Entries in one record of a queue. 512 of them are at most about 2 KiB, which is what lmdb keeps
 * within a page of 4 KiB: a larger value takes pages of its own.
 */
const MAX_ENTRIES_PER_RECORD = 512;

/** Whoever gathers the sessions that have something for the next group commit. */
export interface SessionKeeper {
  /** Something changed. What `isUrgent` is written soon; the rest whenever something else is. */
  changed(session: LmdbSession, isUrgent: boolean): void;
  /** The session is to be forgotten, with records of its queue under these sequences. */
  deleted(session: LmdbSession, runs: Iterable<number>): void;
}

/** What an earlier process left of a session. */
export interface SessionRemains {
  readonly progress: SessionProgress;
  readonly incoming: readonly number[];
  readonly runs: QueueRuns;
  /** First sequences of records without an entry that is not done. */
  readonly finished: readonly number[];
}

/**
 * One session on disk. Changes are only noted here; {@link contribute} turns those of one group
 * commit into at most one record for its state, one for its progress, one for packet ids and one for
 * every 512 entries, so that what is pushed and done within a group takes no record of its own.
 */
export class LmdbSession implements StoredSession {
  readonly number: number;
  readonly name: string;
  durableThrough: number;
  readonly #keeper: SessionKeeper;
  readonly #runs: QueueRuns;
  readonly #done: SessionProgress["done"];
  readonly #received: Set<number>;
  readonly #incoming: Set<number>;
  #sentThrough: number;
  #lastSequence: number;
  /** Pushed since the last group; some may be done by now. */
  #pushed: QueueEntry[] = [];
  /** First sequences of records whose entries are all done, until the next group deletes them. */
  #finished: number[] = [];
  /** `null` once it is written. */
  #newState: Uint8Array | null = null;
  #hasProgress = false;
  #hasIncoming = false;
  #isDeleted = false;

  constructor(number: number, name: string, keeper: SessionKeeper, remains?: SessionRemains) {
    this.number = number;
    this.name = name;
    this.#keeper = keeper;
    const { done, received, sentThrough, lastSequence } = remains?.progress ?? noProgress();
    this.#done = done;
    this.#received = new Set(received);
    this.#sentThrough = sentThrough;
    this.#lastSequence = lastSequence;
    this.#incoming = new Set(remains?.incoming);
    this.#runs = remains?.runs ?? new QueueRuns();
    this.#finished = [...(remains?.finished ?? [])];
    this.durableThrough = lastSequence;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  save(state: Uint8Array): void {
    if (this.#isDeleted) return;
    this.#newState = new Uint8Array(state);
    this.#keeper.changed(this, true);
  }

  /** The newest entry may be pushed again within its turn, as another filter raises its QoS. */
  push(entry: QueueEntry): void {
    if (this.#isDeleted) return;
    if (entry.sequence <= this.#lastSequence) {
      if (this.#pushed.at(-1)?.sequence === entry.sequence) this.#pushed.splice(-1, 1, entry);
      return;
    }
    // A sequence that is passed over never becomes an entry: it would keep those after it apart.
    if (entry.sequence > this.#lastSequence + 1) {
      this.#done.addRun(this.#lastSequence + 1, entry.sequence - 1);
      this.#hasProgress = true;
    }
    this.#lastSequence = entry.sequence;
    this.#pushed.push(entry);
    this.#keeper.changed(this, true);
  }

  sent(sequence: number): void {
    if (this.#isDeleted || sequence <= this.#sentThrough) return;
    this.#sentThrough = sequence;
    this.#hasProgress = true;
    this.#keeper.changed(this, false);
  }

  received(sequence: number): void {
    if (this.#isOver(sequence) || this.#received.has(sequence)) return;
    this.#received.add(sequence);
    this.#hasProgress = true;
    this.#keeper.changed(this, true);
  }

  done(sequence: number): void {
    if (this.#isOver(sequence)) return;
    this.#done.add(sequence);
    this.#received.delete(sequence);
    this.#hasProgress = true;
    const finished = this.#runs.close(sequence);
    if (finished !== null) this.#finished.push(finished);
    this.#keeper.changed(this, true);
  }

  addIncoming(packetId: number): void {
    if (this.#isDeleted || this.#incoming.has(packetId)) return;
    this.#incoming.add(packetId);
    this.#hasIncoming = true;
    this.#keeper.changed(this, true);
  }

  deleteIncoming(packetId: number): void {
    if (this.#isDeleted || !this.#incoming.delete(packetId)) return;
    this.#hasIncoming = true;
    this.#keeper.changed(this, true);
  }

  delete(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#pushed = [];
    this.#received.clear();
    this.#incoming.clear();
    this.#keeper.deleted(this, this.#firstSequences());
  }

  /** Notes everything that has changed since the last group. */
  contribute(notes: CommitNotes, writer: RecordWriter): void {
    if (this.#isDeleted) return;
    if (this.#newState !== null) {
      const identity: SessionIdentity = { name: this.name, state: this.#newState };
      notes.note("sessions", this.#key("identity"), encodeIdentity(writer, identity));
      this.#newState = null;
    }
    if (this.#pushed.length > 0) this.#notePushed(notes, writer);
    for (const first of this.#finished) {
      notes.note("sessionQueues", runKey(this.number, first), null);
    }
    this.#finished = [];
    if (this.#hasProgress) {
      notes.note("sessions", this.#key("progress"), encodeProgress(writer, this.#progress()));
      this.#hasProgress = false;
    }
    if (this.#hasIncoming) {
      const isEmpty = this.#incoming.size === 0;
      const record = isEmpty ? null : encodeIncoming(writer, this.#incoming);
      notes.note("sessions", this.#key("incoming"), record);
      this.#hasIncoming = false;
    }
  }

  #notePushed(notes: CommitNotes, writer: RecordWriter): void {
    const pushed = this.#pushed;
    this.#pushed = [];
    const isAnyDone = this.#done.through >= (pushed[0]?.sequence ?? 0) || this.#done.runCount > 0;
    const open = isAnyDone ? pushed.filter(({ sequence }) => !this.#done.has(sequence)) : pushed;
    for (let at = 0; at < open.length; at += MAX_ENTRIES_PER_RECORD) {
      const entries = open.slice(at, at + MAX_ENTRIES_PER_RECORD);
      const first = entries[0];
      const last = entries[entries.length - 1];
      if (first === undefined || last === undefined) return;
      notes.note("sessionQueues", runKey(this.number, first.sequence), encodeRun(writer, entries));
      this.#runs.add(first.sequence, last.sequence, entries.length);
    }
  }

  /** Of every record there is, read as they are deleted: a queue may have very many. */
  *#firstSequences(): Generator<number> {
    yield* this.#finished;
    yield* this.#runs.firsts();
  }

  #progress(): SessionProgress {
    return {
      done: this.#done,
      sentThrough: this.#sentThrough,
      received: this.#received,
      lastSequence: this.#lastSequence,
    };
  }

  #key(record: keyof typeof SESSION_RECORDS): Buffer {
    return sessionKey(this.number, SESSION_RECORDS[record]);
  }

  /** Nothing can happen to the entry any more, or it never was. */
  #isOver(sequence: number): boolean {
    return this.#isDeleted || sequence > this.#lastSequence || this.#done.has(sequence);
  }
}
