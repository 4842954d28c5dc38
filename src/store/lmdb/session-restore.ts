import type { RestoredEntry, RestoredSession } from "../../bus/session-store.ts";
import { damagedBy } from "./damaged.ts";
import type { Entry, Environment } from "./environment.ts";
import { LmdbSession, type SessionKeeper } from "./lmdb-session.ts";
import { readRun } from "./queue-run-record.ts";
import { QueueRuns } from "./queue-runs.ts";
import { RecordError } from "./record-error.ts";
import { readRunKey, readSessionKey, SESSION_RECORDS } from "./session-keys.ts";
import {
  decodeIdentity,
  decodeIncoming,
  decodeProgress,
  noProgress,
  type SessionIdentity,
} from "./session-records.ts";

/** A session that was found, for the store and for its owner. */
export interface FoundSession {
  readonly session: LmdbSession;
  readonly restored: RestoredSession;
}

/** What earlier processes left; the rest is known once `sessions` has been run through. */
export interface FoundSessions {
  readonly sessions: Iterable<FoundSession>;
  /** Numbers of queues whose session is gone. */
  readonly orphans: readonly number[];
}

/** Records of one session in table `sessions`. */
interface SessionRecords {
  number: number;
  identity: SessionIdentity | null;
  progress: ReturnType<typeof noProgress>;
  incoming: number[];
}

/** One record of table `sessionQueues`. */
interface Run {
  readonly session: number;
  readonly firstSequence: number;
  readonly value: Buffer;
}

/**
 * Reads every session, one at a time, in the order of their numbers: one cursor over the sessions and
 * one over the queues. Throws a `StoreError` at a damaged record.
 */
export function readSessions(environment: Environment, keeper: SessionKeeper): FoundSessions {
  const orphans: number[] = [];
  function* sessions(): Generator<FoundSession> {
    const queues = new QueueCursor(environment, orphans);
    try {
      for (const records of readRecords(environment)) {
        const { identity } = records;
        // Written in one step with the rest, so nothing without it was ever a session.
        if (identity === null) throw new RecordError("has no identity");
        yield build({ ...records, identity }, queues, keeper);
      }
      queues.skipTo(Number.POSITIVE_INFINITY);
    } catch (error) {
      throw damagedBy(error, "a session");
    } finally {
      queues.close();
    }
  }
  return { sessions: sessions(), orphans };
}

/** The highest number a session or a queue without one has; 0 when there is none. */
export function readLastSessionNumber(environment: Environment): number {
  const range = { isReverse: true, limit: 1 };
  const [session] = environment.keys("sessions", range);
  const [queue] = environment.keys("sessionQueues", range);
  return Math.max(
    session === undefined ? 0 : readSessionKey(session).session,
    queue === undefined ? 0 : readRunKey(queue).session,
  );
}

function* readRecords(environment: Environment): Generator<SessionRecords> {
  let current: SessionRecords | null = null;
  for (const { key, value } of environment.entries("sessions")) {
    const { session, tag } = readSessionKey(key);
    if (current !== null && current.number !== session) {
      yield current;
      current = null;
    }
    current ??= { number: session, identity: null, progress: noProgress(), incoming: [] };
    if (tag === SESSION_RECORDS.identity) current.identity = decodeIdentity(value);
    else if (tag === SESSION_RECORDS.progress) current.progress = decodeProgress(value);
    else if (tag === SESSION_RECORDS.incoming) current.incoming = decodeIncoming(value);
    else throw new RecordError(`has an unknown part ${tag}`);
  }
  if (current !== null) yield current;
}

function build(
  records: SessionRecords & { readonly identity: SessionIdentity },
  queues: QueueCursor,
  keeper: SessionKeeper,
): FoundSession {
  const { number, identity, incoming, progress } = records;
  const { done, received, sentThrough } = progress;
  const runs = new QueueRuns();
  const finished: number[] = [];
  const entries: RestoredEntry[] = [];
  let lastSequence = progress.lastSequence;
  queues.skipTo(number);
  for (const { firstSequence, value } of queues.runsOf(number)) {
    const open = entries.length;
    let last = firstSequence;
    readRun(firstSequence, value, (sequence, offset, qos, isRetained, subscriptionIds) => {
      last = sequence;
      if (done.has(sequence)) return;
      const isReceived = received.has(sequence);
      const isSent = isReceived || sequence <= sentThrough;
      entries.push({ sequence, offset, qos, isRetained, subscriptionIds, isSent, isReceived });
    });
    lastSequence = Math.max(lastSequence, last);
    if (entries.length > open) runs.add(firstSequence, last, entries.length - open);
    else finished.push(firstSequence);
  }
  const session = new LmdbSession(number, identity.name, keeper, {
    progress: { ...progress, lastSequence },
    incoming,
    runs,
    finished,
  });
  const { name, state } = identity;
  return { session, restored: { name, state, entries, lastSequence, incoming, stored: session } };
}

/** Goes over table `sessionQueues` once, beside the sessions. */
class QueueCursor {
  readonly #orphans: number[];
  readonly #entries: Iterator<Entry>;
  #next: Run | null;

  constructor(environment: Environment, orphans: number[]) {
    this.#orphans = orphans;
    this.#entries = environment.entries("sessionQueues")[Symbol.iterator]();
    this.#next = this.#read();
  }

  /** Passes over the queues of sessions that are gone. */
  skipTo(session: number): void {
    while (this.#next !== null && this.#next.session < session) {
      const orphan = this.#next.session;
      if (this.#orphans[this.#orphans.length - 1] !== orphan) this.#orphans.push(orphan);
      this.#next = this.#read();
    }
  }

  *runsOf(session: number): Generator<Run> {
    while (this.#next !== null && this.#next.session === session) {
      yield this.#next;
      this.#next = this.#read();
    }
  }

  close(): void {
    this.#entries.return?.();
  }

  #read(): Run | null {
    const { done, value } = this.#entries.next();
    return done === true ? null : { ...readRunKey(value.key), value: value.value };
  }
}
