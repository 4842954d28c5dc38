/** How far a run is. */
export interface Progress {
  /** What is being done, such as `rate 400: block 3 of 12`. */
  readonly phase: string;
  /** Part of the whole that is done, 0…1. */
  readonly share: number;
  readonly secondsLeft: number;
}

/** Between two reports while a step is under way. */
const TICK_MS = 200;

/**
 * Follows a run through steps of expected length. What is left is corrected by how the steps so far
 * compared with what was expected of them.
 */
export class ProgressTrack {
  readonly #onProgress: (progress: Progress) => void;
  readonly #expectedSeconds: number;
  #doneSeconds = 0;
  #spentSeconds = 0;

  constructor(expectedSeconds: number, onProgress: (progress: Progress) => void) {
    this.#expectedSeconds = Math.max(expectedSeconds, 1e-9);
    this.#onProgress = onProgress;
  }

  /** Reports `work` as a step expected to take `seconds`. */
  async step<Value>(phase: string, seconds: number, work: () => Promise<Value>): Promise<Value> {
    const startedAt = performance.now();
    const elapsed = (): number => (performance.now() - startedAt) / 1_000;
    this.#tell(phase, 0);
    const ticker = setInterval(() => this.#tell(phase, Math.min(elapsed(), seconds)), TICK_MS);
    try {
      return await work();
    } finally {
      clearInterval(ticker);
      this.#doneSeconds += seconds;
      this.#spentSeconds += elapsed();
    }
  }

  #tell(phase: string, within: number): void {
    const done = this.#doneSeconds + within;
    const left = Math.max(0, this.#expectedSeconds - done);
    const pace = this.#doneSeconds === 0 ? 1 : this.#spentSeconds / this.#doneSeconds;
    const share = Math.min(1, done / this.#expectedSeconds);
    this.#onProgress({ phase, share, secondsLeft: left * pace });
  }
}
