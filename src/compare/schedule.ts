/** One message a plan wants sent. */
export interface Shot {
  /** Which publisher sends it: its index in the plan. */
  readonly publisher: number;
  /** Its number among this publisher's messages, from 0. */
  readonly sequence: number;
  /** Nanoseconds after the run's start at which it is due. */
  readonly dueAfterNs: number;
}

/**
 * When every message of a run is due: each publisher at a constant rate, publishers evenly out of
 * phase so that no two sends coincide. Computed from the numbers, never from what has happened, so a
 * stalled gateway cannot slow the schedule that measures it.
 */
export class Schedule {
  readonly #publishers: number;
  readonly #intervalNs: number;
  readonly #warmUpShots: number;
  /** Messages of each publisher, warm-up included. */
  readonly shotsPerPublisher: number;

  constructor(options: {
    readonly publishers: number;
    readonly ratePerSecond: number;
    readonly warmUpSeconds: number;
    readonly windowSeconds: number;
  }) {
    this.#publishers = options.publishers;
    this.#intervalNs = 1e9 / options.ratePerSecond;
    this.#warmUpShots = Math.ceil(options.warmUpSeconds * options.ratePerSecond);
    this.shotsPerPublisher =
      this.#warmUpShots + Math.ceil(options.windowSeconds * options.ratePerSecond);
  }

  /** Messages of the whole run. */
  get shots(): number {
    return this.#publishers * this.shotsPerPublisher;
  }

  /** How long sending takes, in nanoseconds. */
  get durationNs(): number {
    return this.shotsPerPublisher * this.#intervalNs;
  }

  /** The first sequence that counts; what comes before is warm-up. */
  get windowStart(): number {
    return this.#warmUpShots;
  }

  /** The `index`-th message of the run by due time; `index` from 0 to `shots` − 1. */
  shot(index: number): Shot {
    const publisher = index % this.#publishers;
    const sequence = Math.floor(index / this.#publishers);
    const phase = publisher / this.#publishers;
    return { publisher, sequence, dueAfterNs: Math.round((sequence + phase) * this.#intervalNs) };
  }
}
