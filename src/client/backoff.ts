/** Bounds of the waiting time between attempts to connect. */
export interface BackoffOptions {
  /** Longest wait before the first attempt, milliseconds. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1); exchanged by tests. */
  readonly random?: () => number;
}

/** 250 ms passes a restart quickly; 30 s keeps a thousand clients of a dead gateway under 70 tries a second. */
export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 250, maxMs: 30_000 };

/**
 * Waiting times that double up to a bound, each drawn from its whole lower half upwards, so that
 * clients cut at the same moment do not come back at the same moment.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { firstMs, maxMs, random = Math.random } = this.#options;
    const limit = Math.min(maxMs, firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return limit * (0.5 + random() * 0.5);
  }

  /** A connection worked: the next wait is short again. */
  reset(): void {
    this.#attempts = 0;
  }
}
