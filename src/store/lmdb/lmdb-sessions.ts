import type { RestoredSession, SessionStore, StoredSession } from "../../bus/session-store.ts";
import type { CommitNotes, DurableCallback } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";
import { LmdbSession, type SessionKeeper } from "./lmdb-session.ts";
import { RecordWriter } from "./record-writer.ts";
import { SessionErasure } from "./session-erasure.ts";
import { SESSION_RECORDS, sessionKey } from "./session-keys.ts";
import { readLastSessionNumber, readSessions } from "./session-restore.ts";

/** A session whose queue is durable up to here once its commit is. */
interface Awaited {
  readonly session: LmdbSession;
  readonly through: number;
}

/** Sessions and their queues on disk; written with the messages they owe. */
export class LmdbSessions implements SessionStore, SessionKeeper {
  readonly #environment: Environment;
  readonly #notes: CommitNotes;
  readonly #writer = new RecordWriter();
  readonly #erasure: SessionErasure;
  readonly #names = new Map<string, LmdbSession>();
  /** `null` until the first session is created: read then, so that no number is used twice. */
  #lastNumber: number | null = null;
  /** Sessions that have something for the next commit. */
  #changed = new Set<LmdbSession>();

  /** The environment is open and holds this version of the schema. */
  constructor(environment: Environment, notes: CommitNotes) {
    this.#environment = environment;
    this.#notes = notes;
    this.#erasure = new SessionErasure(environment, notes);
    notes.beforeSubmit(() => this.#contribute());
  }

  /** Throws a `StoreError` at a record that is damaged: what it owed nobody knows any more. */
  *restore(): Generator<RestoredSession> {
    const found = readSessions(this.#environment, this);
    for (const { session, restored } of found.sessions) {
      this.#names.set(session.name, session);
      if (this.#notes.isLazy) session.durableThrough = Number.POSITIVE_INFINITY;
      yield restored;
    }
    for (const number of found.orphans) this.#erasure.addOrphan(number);
  }

  create(name: string, state: Uint8Array): StoredSession {
    this.#names.get(name)?.delete();
    this.#lastNumber = 1 + (this.#lastNumber ?? readLastSessionNumber(this.#environment));
    const session = new LmdbSession(this.#lastNumber, name, this);
    if (this.#notes.isLazy) session.durableThrough = Number.POSITIVE_INFINITY;
    this.#names.set(name, session);
    session.save(state);
    return session;
  }

  whenDurable(callback: DurableCallback): void {
    this.#notes.whenDurable(callback);
  }

  changed(session: LmdbSession, isUrgent: boolean): void {
    this.#changed.add(session);
    if (isUrgent) this.#notes.announce();
  }

  deleted(session: LmdbSession, runs: Iterable<number>): void {
    this.#changed.delete(session);
    if (this.#names.get(session.name) === session) this.#names.delete(session.name);
    for (const tag of Object.values(SESSION_RECORDS)) {
      this.#notes.note("sessions", sessionKey(session.number, tag), null);
    }
    this.#erasure.add(session.number, runs);
  }

  #contribute(): ((isDurable: boolean) => void) | null {
    const changed = this.#changed;
    this.#changed = new Set();
    const awaited: Awaited[] = [];
    for (const session of changed) {
      session.contribute(this.#notes, this.#writer);
      const { lastSequence } = session;
      if (session.durableThrough < lastSequence) awaited.push({ session, through: lastSequence });
    }
    this.#erasure.contribute();
    return awaited.length === 0 ? null : (isDurable) => this.#settled(awaited, isDurable);
  }

  #settled(awaited: readonly Awaited[], isDurable: boolean): void {
    for (const { session, through } of awaited) {
      if (isDurable) session.durableThrough = Math.max(session.durableThrough, through);
      // The queue keeps the notes of a failed commit: the next one answers for them.
      else this.#changed.add(session);
    }
  }
}
