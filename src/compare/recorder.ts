import { Histogram } from "../telemetry/histogram.ts";

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
export interface PairRecord {
  /** Receipt minus intended send time. */
  readonly latency: Histogram;
  /** Receipt minus actual send time: what a client that waits for slow replies would report. */
  readonly service: Histogram;
  readonly expected: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Messages received after one that was sent later. */
  readonly reordered: number;
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
  readonly #latency = new Histogram();
  readonly #service = new Histogram();
  readonly #seen: Uint8Array;
  #received = 0;
  #duplicates = 0;
  #reordered = 0;
  #highest = -1;

  constructor(expected: number) {
    this.#seen = new Uint8Array(expected);
  }

  /** Whether the message is new. A second copy is counted and adds no latency sample. */
  receive(place: number, receipt: Receipt): boolean {
    if (this.#seen[place] === 1) {
      this.#duplicates += 1;
      return false;
    }
    this.#seen[place] = 1;
    this.#received += 1;
    if (place < this.#highest) this.#reordered += 1;
    else this.#highest = place;
    this.#latency.record(receipt.receivedAtNs - receipt.intendedAtNs);
    this.#service.record(receipt.receivedAtNs - receipt.sentAtNs);
    return true;
  }

  record(): PairRecord {
    const expected = this.#seen.length;
    return {
      latency: this.#latency,
      service: this.#service,
      expected,
      received: this.#received,
      lost: expected - this.#received,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
    };
  }
}
