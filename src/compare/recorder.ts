import { type DeliveryCount, SequenceOracle } from "./statistics/sequence-oracle.ts";
import { SignedHistogram } from "./statistics/signed-histogram.ts";

/** The times of one message, nanoseconds of one monotonic clock. */
export interface Receipt {
  /** The publisher's index in the plan. */
  readonly publisher: number;
  readonly sequence: number;
  readonly intendedAtNs: number;
  readonly sentAtNs: number;
  readonly receivedAtNs: number;
}

/** What one reader saw of one publisher's messages within the window. */
export interface PairRecord extends DeliveryCount {
  /** Receipt minus intended send time. Never clipped: below 0, a clock offset is wrong. */
  readonly latency: SignedHistogram;
  /** Receipt minus actual send time: what a client that waits for slow replies would report. */
  readonly service: SignedHistogram;
  /** The latency of each message of the window, nanoseconds; `NaN` where it did not come. */
  readonly latencies: Float64Array;
}

/** Counts one reader's messages from every publisher. */
export class Recorder {
  readonly #windowStart: number;
  readonly #windowEnd: number;
  readonly #pairs: PairCount[];
  #missing: number;

  /** Counts sequences from `windowStart` up to and not including `windowEnd`; others are warm-up. */
  constructor(publishers: number, windowStart: number, windowEnd: number) {
    this.#windowStart = windowStart;
    this.#windowEnd = windowEnd;
    this.#pairs = Array.from({ length: publishers }, () => new PairCount(windowEnd - windowStart));
    this.#missing = publishers * (windowEnd - windowStart);
  }

  /** Messages of the window that have not come yet, over all publishers. */
  get missing(): number {
    return this.#missing;
  }

  receive(receipt: Receipt): void {
    const { publisher, sequence } = receipt;
    const pair = this.#pairs[publisher];
    if (pair === undefined || sequence < this.#windowStart || sequence >= this.#windowEnd) return;
    if (pair.receive(sequence - this.#windowStart, receipt)) this.#missing -= 1;
  }

  /** The pair of this reader with the publisher at `index`. */
  pair(index: number): PairRecord {
    const pair = this.#pairs[index];
    if (pair === undefined) throw new RangeError(`no publisher ${index} in this run`);
    return pair.record();
  }
}

class PairCount {
  readonly #latency = new SignedHistogram();
  readonly #service = new SignedHistogram();
  readonly #oracle: SequenceOracle;
  readonly #latencies: Float64Array;

  constructor(expected: number) {
    this.#oracle = new SequenceOracle(expected);
    this.#latencies = new Float64Array(expected).fill(Number.NaN);
  }

  /** Whether the message is new. A second copy is counted and adds no latency sample. */
  receive(place: number, receipt: Receipt): boolean {
    if (!this.#oracle.receive(place)) return false;
    const latencyNs = receipt.receivedAtNs - receipt.intendedAtNs;
    this.#latencies[place] = latencyNs;
    this.#latency.record(latencyNs);
    this.#service.record(receipt.receivedAtNs - receipt.sentAtNs);
    return true;
  }

  record(): PairRecord {
    return {
      ...this.#oracle.count(),
      latency: this.#latency,
      service: this.#service,
      latencies: this.#latencies,
    };
  }
}
