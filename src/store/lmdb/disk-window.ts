import type { Environment } from "./environment.ts";
import { LogChunk } from "./log-chunk.ts";
import { offsetKey, readOffsetKey } from "./log-keys.ts";
import type { LogState } from "./log-state.ts";

/** Bounds of the log on disk. */
export interface DiskLimits {
  readonly maxMessages: number;
  /** Bytes of records with their headers; the newest message is always kept. */
  readonly maxBytes: number;
  /** Milliseconds since acceptance. */
  readonly maxAgeMs: number;
}

/** Chunks that have left the window and wait for their removal: the bound on one step of retention. */
const MAX_DOOMED_CHUNKS = 256;

/** Chunks removed with one commit; each costs the writing thread about 5 µs. */
const MAX_REMOVALS = 64;

/** Where removals are asked for. */
export interface RemovalQueue {
  request(): void;
  requestInBackground(): void;
}

export interface DiskWindowOptions {
  readonly environment: Environment;
  readonly limits: DiskLimits;
  /** Where an earlier process left it; `null` in a new store. */
  readonly state: LogState | null;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  readonly onFault: (error: unknown) => void;
}

/**
 * The window of the log on disk. Its edge moves message by message in memory; what is behind it is
 * removed chunk by chunk, with the commits that follow.
 */
export class DiskWindow {
  readonly #environment: Environment;
  readonly #limits: DiskLimits;
  readonly #openedAt: number;
  readonly #onFault: (error: unknown) => void;
  #messages: number;
  #bytes: number;
  /** The oldest chunk with a message in the window, and the place of that message. */
  #front: LogChunk | null = null;
  #place = 0;
  /** Keys from here on have not been at the front. */
  #nextFrom = 0;
  #doomed: number[] = [];

  constructor(options: DiskWindowOptions) {
    const { state } = options;
    this.#environment = options.environment;
    this.#limits = options.limits;
    this.#openedAt = options.openedAt;
    this.#onFault = options.onFault;
    this.#messages = state?.messages ?? 0;
    this.#bytes = state?.bytes ?? 0;
    this.#skipTo(state?.firstOffset ?? 0);
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest message in the window; `Infinity` when it is empty. */
  get first(): number {
    return this.#front === null ? Number.POSITIVE_INFINITY : this.#front.offsetAt(this.#place);
  }

  get oldestAcceptedAt(): number | null {
    return this.#front === null ? null : this.#front.acceptedAt(this.#place);
  }

  /** Asks for the removal of what has left: along with other work, or by itself when it piles up. */
  requestRemoval(queue: RemovalQueue): void {
    if (this.#doomed.length > MAX_REMOVALS) queue.request();
    else if (this.#doomed.length > 0) queue.requestInBackground();
  }

  /** A commit has added messages. Throws what the disk does. */
  add(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    this.#front ??= this.#readNext();
  }

  /**
   * Moves the edge past what is over the limits at `now`, one bounded step. `leaving` is told each
   * offset before it leaves. Throws what the disk does, and is then where it was.
   */
  trim(now: number, leaving: (offset: number) => void): void {
    while (this.#isOver(now) && this.#doomed.length < MAX_DOOMED_CHUNKS) {
      const front = this.#front;
      if (front === null) return;
      const place = this.#place;
      // Read before anything moves: an edge without a chunk would be an empty window.
      const next = place + 1 < front.count ? front : this.#readNext();
      leaving(front.offsetAt(place));
      this.#messages -= 1;
      this.#bytes -= front.storedBytesAt(place);
      if (next === front) this.#place = place + 1;
      else this.#goOnWith(next, front);
    }
  }

  /** Takes chunks for removal with the next commit: their keys. */
  takeDoomed(): readonly number[] {
    return this.#doomed.splice(0, MAX_REMOVALS);
  }

  /** The commit has failed. */
  giveBack(doomed: readonly number[]): void {
    this.#doomed.unshift(...doomed);
  }

  #isOver(now: number): boolean {
    const { maxMessages, maxBytes, maxAgeMs } = this.#limits;
    const front = this.#front;
    if (front === null) return false;
    if (this.#messages > maxMessages) return true;
    if (this.#bytes > maxBytes && this.#messages > 1) return true;
    const acceptedAt = front.acceptedAt(this.#place);
    // The clock was set back since: it counts from when that was noticed.
    return (acceptedAt > now ? this.#openedAt : acceptedAt) + maxAgeMs <= now;
  }

  #goOnWith(next: LogChunk | null, doomed: LogChunk): void {
    this.#doomed.push(doomed.first);
    this.#front = next;
    this.#place = 0;
  }

  /** The oldest chunk that has not been at the front; damaged ones are removed. */
  #readNext(): LogChunk | null {
    const range = { start: offsetKey(this.#nextFrom) };
    for (const { key, value } of this.#environment.entries("log", range)) {
      const first = readOffsetKey(key);
      this.#nextFrom = first + 1;
      try {
        return new LogChunk(value);
      } catch (error) {
        this.#onFault(error);
        this.#doomed.push(first);
      }
    }
    return null;
  }

  /** Goes on where an earlier process was: what is older has left the window already. */
  #skipTo(offset: number): void {
    this.#front = this.#readNext();
    while (this.#front !== null && this.first < offset) {
      const front: LogChunk = this.#front;
      this.#place = front.countThrough(offset - 1);
      if (this.#place < front.count) return;
      this.#goOnWith(this.#readNext(), front);
    }
  }
}
