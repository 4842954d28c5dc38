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

/** What one reader saw of one publisher's messages within the window, in a form that can be sent. */
export interface RawRecord extends DeliveryCount {
  /**
   * Receipt minus intended send time of each message, nanoseconds; `NaN` where it did not come.
   * Never clipped: below 0, a clock offset is wrong.
   */
  readonly latencies: Float64Array;
  /** Receipt minus actual send time: what a client that waits for slow replies would report. */
  readonly services: Float64Array;
}

/** The same with its distributions. */
export interface PairRecord extends DeliveryCount {
  readonly latency: SignedHistogram;
  readonly service: SignedHistogram;
  readonly latencies: Float64Array;
}

/** Reads the distributions off a record. */
export function withDistributions({ services, ...record }: RawRecord): PairRecord {
  return { ...record, latency: distribution(record.latencies), service: distribution(services) };
}

function distribution(samples: Float64Array): SignedHistogram {
  const histogram = new SignedHistogram();
  for (const sample of samples) if (!Number.isNaN(sample)) histogram.record(sample);
  return histogram;
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
    return withDistributions(this.raw(index));
  }

  /** As {@link pair}, without the distributions. */
  raw(index: number): RawRecord {
    const pair = this.#pairs[index];
    if (pair === undefined) throw new RangeError(`no publisher ${index} in this run`);
    return pair.record();
  }
}

class PairCount {
  readonly #oracle: SequenceOracle;
  readonly #latencies: Float64Array;
  readonly #services: Float64Array;

  constructor(expected: number) {
    this.#oracle = new SequenceOracle(expected);
    this.#latencies = new Float64Array(expected).fill(Number.NaN);
    this.#services = new Float64Array(expected).fill(Number.NaN);
  }

  /** Whether the message is new. A second copy is counted and adds no latency sample. */
  receive(place: number, receipt: Receipt): boolean {
    if (!this.#oracle.receive(place)) return false;
    this.#latencies[place] = receipt.receivedAtNs - receipt.intendedAtNs;
    this.#services[place] = receipt.receivedAtNs - receipt.sentAtNs;
    return true;
  }

  record(): RawRecord {
    return {
      ...this.#oracle.count(),
      latencies: this.#latencies,
      services: this.#services,
    };
  }
}
