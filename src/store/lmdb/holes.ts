import type { CommitNotes } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";
import { offsetKey, readOffsetKey } from "./log-keys.ts";

/** Offsets whose commit failed, both ends included. */
export interface Hole {
  readonly from: number;
  readonly to: number;
}

/** Holes remembered apart; past it the oldest two become one, which claims more missing than is. */
const MAX_HOLES = 1_024;

/** The holes of the log, one for each failed commit, until the window has passed them. */
export class Holes {
  readonly #notes: CommitNotes;
  readonly #holes: Hole[] = [];

  constructor(environment: Environment, notes: CommitNotes) {
    this.#notes = notes;
    for (const { key, value } of environment.entries("holes")) {
      this.#holes.push({ from: readOffsetKey(key), to: readOffsetKey(value) });
    }
  }

  /** Above every hole there is. */
  add(hole: Hole): void {
    const last = this.#holes[this.#holes.length - 1];
    if (last !== undefined && last.to + 1 === hole.from) {
      this.#holes.pop();
      this.#put({ from: last.from, to: hole.to });
      return;
    }
    this.#put(hole);
    const [oldest, next] = this.#holes;
    if (this.#holes.length <= MAX_HOLES || oldest === undefined || next === undefined) return;
    this.#holes.splice(0, 2, { from: oldest.from, to: next.to });
    this.#notes.note("holes", offsetKey(oldest.from), offsetKey(next.to));
    this.#notes.note("holes", offsetKey(next.from), null);
  }

  /** The first hole that ends at this offset or later. */
  from(offset: number): Hole | undefined {
    const last = this.#holes[this.#holes.length - 1];
    if (last === undefined || last.to < offset) return undefined;
    return this.#holes.find(({ to }) => to >= offset);
  }

  has(offset: number): boolean {
    const hole = this.from(offset);
    return hole !== undefined && hole.from <= offset;
  }

  /** Forgets what ends below this offset. */
  dropBelow(offset: number): void {
    for (let oldest = this.#holes[0]; oldest !== undefined && oldest.to < offset; ) {
      this.#notes.note("holes", offsetKey(oldest.from), null);
      this.#holes.shift();
      oldest = this.#holes[0];
    }
  }

  #put(hole: Hole): void {
    this.#holes.push(hole);
    this.#notes.note("holes", offsetKey(hole.from), offsetKey(hole.to));
  }
}
