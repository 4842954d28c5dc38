import type { Clock } from "../bus/clock.ts";

/**
 * The gateway's clock: the wall clock at the start of the process, moved on by the monotonic one.
 * A reading serves until the current callback of the event loop is over, because the packets of one
 * read chunk are handled within one callback and each own reading costs about 50 ns. It is therefore
 * behind by at most the duration of that callback, and it never decreases.
 */
export class TickClock implements Clock {
  #now = 0;
  #isFresh = false;
  readonly #expire = (): void => {
    this.#isFresh = false;
  };

  now(): number {
    if (this.#isFresh) return this.#now;
    this.#now = performance.timeOrigin + performance.now();
    this.#isFresh = true;
    // Microtasks run as soon as the callback returns, before the next socket is read.
    queueMicrotask(this.#expire);
    return this.#now;
  }
}
