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
  readonly #batchSize: number;
  /** Messages of each publisher, warm-up included. */
  readonly shotsPerPublisher: number;

  constructor(options: {
    readonly publishers: number;
    readonly ratePerSecond: number;
    readonly warmUpSeconds: number;
    readonly windowSeconds: number;
    /** Messages of a publisher that are due together. */
    readonly batchSize?: number;
  }) {
    this.#publishers = options.publishers;
    this.#batchSize = options.batchSize ?? 1;
    this.#intervalNs = 1e9 / options.ratePerSecond;
    this.#warmUpShots = this.#wholeBatches(options.warmUpSeconds * options.ratePerSecond);
    this.shotsPerPublisher =
      this.#warmUpShots + this.#wholeBatches(options.windowSeconds * options.ratePerSecond);
  }

  #wholeBatches(messages: number): number {
    // Rounded before up: 0.7 · 40 is 28.000000000000004 in doubles.
    return Math.ceil(Number((messages / this.#batchSize).toPrecision(12))) * this.#batchSize;
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

  /**
   * The `index`-th message of the run by due time; `index` from 0 to `shots` − 1. Each publisher's
   * batch of messages stands together, and its rate is that of its messages.
   */
  shot(index: number): Shot {
    const batch = this.#batchSize;
    const group = Math.floor(index / batch);
    const round = Math.floor(group / this.#publishers);
    const publisher = group % this.#publishers;
    const sequence = round * batch + (index % batch);
    const phase = (publisher / this.#publishers) * batch;
    return {
      publisher,
      sequence,
      dueAfterNs: Math.round((round * batch + phase) * this.#intervalNs),
    };
  }
}
