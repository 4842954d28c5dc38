import type { CommitNotes } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";
import { readRunKey, runKey } from "./session-keys.ts";

/**
 * Records of forgotten queues one group commit deletes. A thousand are a few milliseconds of the
 * writing thread and well under one of ours; a queue of 100,000 records goes in a hundred groups.
 */
const DELETES_PER_GROUP = 1_000;

/**
 * Deletes the queues of forgotten sessions in bounded steps. The session itself is gone at once: what
 * a crash leaves of its queue belongs to nobody, and the next process goes on deleting it.
 */
export class SessionErasure {
  readonly #environment: Environment;
  readonly #notes: CommitNotes;
  readonly #due: Iterator<Buffer>[] = [];

  constructor(environment: Environment, notes: CommitNotes) {
    this.#environment = environment;
    this.#notes = notes;
  }

  /** A session is over whose queue stands in records of these first sequences. */
  add(session: number, firstSequences: Iterable<number>): void {
    this.#add(keysOf(session, firstSequences));
  }

  /** The queue of a session that was forgotten by an earlier process. */
  addOrphan(session: number): void {
    this.#add(this.#orphanKeys(session));
  }

  /** Notes the next step; to be called as a group is submitted. */
  contribute(): void {
    for (let count = 0; count < DELETES_PER_GROUP; ) {
      const due = this.#due[0];
      if (due === undefined) return;
      const { done, value } = due.next();
      if (done === true) {
        this.#due.shift();
        continue;
      }
      this.#notes.note("sessionQueues", value, null);
      count += 1;
    }
    this.#notes.announce();
  }

  #add(keys: Iterator<Buffer>): void {
    this.#due.push(keys);
    this.#notes.announce();
  }

  /** Read a step at a time: no cursor stays open between two turns. */
  *#orphanKeys(session: number): Generator<Buffer> {
    const end = runKey(session + 1, 0);
    let start = runKey(session, 0);
    for (;;) {
      const range = { start, end, limit: DELETES_PER_GROUP };
      const keys = [...this.#environment.keys("sessionQueues", range)];
      yield* keys;
      const last = keys[keys.length - 1];
      if (last === undefined || keys.length < DELETES_PER_GROUP) return;
      start = runKey(session, readRunKey(last).firstSequence + 1);
    }
  }
}

function* keysOf(session: number, firstSequences: Iterable<number>): Generator<Buffer> {
  for (const first of firstSequences) yield runKey(session, first);
}
