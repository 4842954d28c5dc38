/**
 * Timers of Node fire up to about a millisecond late, which would be more than the whole latency of a
 * local network; so the last stretch is spent turning the event loop, which goes on reading sockets.
 */
const AWAKE_MS = 1.5;

/** Calls back once when the time has come, to about a turn of the event loop. One call at a time. */
export class Alarm {
  readonly #callback: () => void;
  #timer: NodeJS.Timeout | null = null;
  #turn: NodeJS.Immediate | null = null;
  #dueMs = 0;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  /** Rings at `dueMs` of `performance.now`, and no longer at what was asked for before. */
  set(dueMs: number): void {
    this.cancel();
    this.#dueMs = dueMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > AWAKE_MS) this.#timer = setTimeout(this.#wait, waitMs - AWAKE_MS);
    else this.#turn = setImmediate(this.#wait);
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#timer = null;
    this.#turn = null;
  }

  readonly #wait = (): void => {
    this.#timer = null;
    this.#turn = null;
    if (performance.now() >= this.#dueMs) this.#callback();
    else this.#turn = setImmediate(this.#wait);
  };
}
