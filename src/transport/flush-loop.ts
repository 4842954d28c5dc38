/** Something that writes what it has collected. */
export interface Flushable {
  flush(): void;
}

/**
 * Runs every scheduled flush once at the end of the current turn of the event loop, after all reads
 * of that turn: many messages leave in one write, and none waits for a timer.
 */
export class FlushLoop {
  readonly #onError: (error: unknown) => void;
  #due: Flushable[] = [];
  #running: Flushable[] = [];
  #isScheduled = false;
  readonly #run = (): void => this.#flushAll();

  /** @param onError told of an exception in a flush; the other flushes go on. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** The caller sees to it that something is scheduled once at a time. */
  schedule(flushable: Flushable): void {
    this.#due.push(flushable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  #flushAll(): void {
    const running = this.#due;
    // What a flush schedules runs in the next turn, so that sockets are read in between.
    this.#due = this.#running;
    this.#running = running;
    this.#isScheduled = false;
    for (let i = 0; i < running.length; i += 1) {
      try {
        running[i]?.flush();
      } catch (error) {
        this.#onError(error);
      }
    }
    running.length = 0;
  }
}
