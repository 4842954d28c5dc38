import type { RestoredSession, SessionStore, StoredSession } from "../../bus/session-store.ts";
import type { CommitNotes, DurableCallback } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";
import { LmdbSession, type SessionKeeper } from "./lmdb-session.ts";
import { RecordWriter } from "./record-writer.ts";
import { SessionErasure } from "./session-erasure.ts";
import { SESSION_RECORDS, sessionKey } from "./session-keys.ts";
import { readLastSessionNumber, readSessions } from "./session-restore.ts";

/** What one group commit holds of the sessions. */
interface Group {
  readonly sessions: Set<LmdbSession>;
  /** The queue will say what came of it. */
  isAwaited: boolean;
  /** Sessions and how far their queues go with this group; set when it is submitted. */
  through: (readonly [LmdbSession, number])[];
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
  #group: Group = emptyGroup();

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
      yield restored;
    }
    for (const number of found.orphans) this.#erasure.addOrphan(number);
  }

  create(name: string, state: Uint8Array): StoredSession {
    this.#names.get(name)?.delete();
    this.#lastNumber = 1 + (this.#lastNumber ?? readLastSessionNumber(this.#environment));
    const session = new LmdbSession(this.#lastNumber, name, this);
    this.#names.set(name, session);
    session.save(state);
    return session;
  }

  whenDurable(callback: DurableCallback): void {
    this.#notes.whenDurable(callback);
  }

  changed(session: LmdbSession, isUrgent: boolean): void {
    this.#group.sessions.add(session);
    if (isUrgent) this.#await(true);
  }

  deleted(session: LmdbSession, runs: Iterable<number>): void {
    this.#group.sessions.delete(session);
    if (this.#names.get(session.name) === session) this.#names.delete(session.name);
    for (const tag of Object.values(SESSION_RECORDS)) {
      this.#notes.note("sessions", sessionKey(session.number, tag), null);
    }
    this.#erasure.add(session.number, runs);
  }

  /** Asks the queue what comes of the next group, once, before any owner of a session does. */
  #await(isNew: boolean): void {
    const group = this.#group;
    if (group.isAwaited) return;
    group.isAwaited = true;
    if (isNew) this.#notes.announce();
    this.#notes.whenDurable((refusal) => this.#settled(group, refusal === null));
  }

  #contribute(): void {
    const group = this.#group;
    this.#group = emptyGroup();
    for (const session of group.sessions) {
      session.contribute(this.#notes, this.#writer);
      if (session.durableThrough < session.lastSequence) {
        group.through.push([session, session.lastSequence]);
      }
    }
    this.#erasure.contribute();
  }

  #settled(group: Group, isDurable: boolean): void {
    for (const [session, through] of group.through) {
      if (isDurable) session.durableThrough = Math.max(session.durableThrough, through);
      else this.#group.sessions.add(session);
    }
    // The queue keeps the notes of a failed commit: the next one answers for them.
    if (!isDurable && group.through.length > 0) this.#await(false);
  }
}

function emptyGroup(): Group {
  return { sessions: new Set(), isAwaited: false, through: [] };
}
