import type { CommitNotes } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";

/** Earlier epochs whose cursors are understood; 1,024 restarts, about 60 KiB. */
const MAX_EPOCHS = 1_024;

interface Ended {
  readonly number: number;
  readonly lastOffset: number;
}

/**
 * The epochs that have ended and the last offset of each that is durable: up to there its cursors
 * mean what they meant.
 */
export class Epochs {
  readonly #notes: CommitNotes;
  readonly #ended = new Map<string, Ended>();
  #nextNumber = 1;

  constructor(environment: Environment, notes: CommitNotes) {
    this.#notes = notes;
    const found: (readonly [string, Ended])[] = [];
    for (const { key, value } of environment.entries("epochs")) {
      const ended = { number: value.readDoubleLE(0), lastOffset: value.readDoubleLE(8) };
      found.push([key.toString(), ended]);
    }
    found.sort(([, a], [, b]) => a.number - b.number);
    for (const [name, ended] of found) {
      this.#ended.set(name, ended);
      this.#nextNumber = ended.number + 1;
    }
  }

  /** The last offset of an epoch that has ended; `undefined` for an unknown one. */
  lastOffsetOf(name: string): number | undefined {
    return this.#ended.get(name)?.lastOffset;
  }

  /** Notes that the newest epoch has ended, and forgets the oldest when there are too many. */
  end(name: string, lastOffset: number): void {
    const value = Buffer.alloc(16);
    value.writeDoubleLE(this.#nextNumber, 0);
    value.writeDoubleLE(lastOffset, 8);
    this.#ended.set(name, { number: this.#nextNumber, lastOffset });
    this.#nextNumber += 1;
    this.#notes.note("epochs", Buffer.from(name), value);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= MAX_EPOCHS) return;
      this.#ended.delete(oldest);
      this.#notes.note("epochs", Buffer.from(oldest), null);
    }
  }
}
