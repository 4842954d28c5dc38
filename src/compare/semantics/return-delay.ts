/**
 * Waits before a connection is tried again: 20 ms, doubled up to half a second. Without jitter and
 * short, so that the time to recover is the gateway's and the network's, not the client's patience.
 */
const FIRST_MS = 20;
const LONGEST_MS = 500;

/** The waits of one client that comes back. */
export class ReturnDelay {
  #nextMs = FIRST_MS;
  #wake: () => void = () => undefined;
  #hasEnded = false;

  /** A connection has proved good: the next loss begins with the shortest wait. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }

  /** Resolves after the wait; to `false` when it is over for good. */
  async pass(): Promise<boolean> {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(LONGEST_MS, 2 * delayMs);
    if (this.#hasEnded) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return !this.#hasEnded;
  }

  /** Ends the wait under way and all later ones. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }
}
