import { Histogram, type HistogramSnapshot } from "../../telemetry/histogram.ts";

/**
 * A histogram that keeps negative durations. Between hosts, latency is corrected by an estimated
 * clock offset, whose error may exceed a short latency: a sample below 0 then says so, where
 * clipping it to 0 would make the estimate look better than it is, and leaving it out would cut
 * the fast half off the distribution.
 *
 * In a snapshot, bucket −1 − k holds values whose magnitude falls in bucket k.
 */
export class SignedHistogram {
  readonly #above = new Histogram();
  #below: Histogram | null = null;

  get count(): number {
    return this.#above.count + this.belowZero;
  }

  /** Samples below 0. */
  get belowZero(): number {
    return this.#below?.count ?? 0;
  }

  get mean(): number {
    return this.count === 0 ? 0 : (this.#above.sum - (this.#below?.sum ?? 0)) / this.count;
  }

  get min(): number {
    return this.#below === null ? this.#above.min : -this.#below.max;
  }

  get max(): number {
    if (this.#above.count > 0 || this.#below === null) return this.#above.max;
    return -this.#below.min;
  }

  /** The samples of 0 and more. */
  get above(): Histogram {
    return this.#above;
  }

  record(nanoseconds: number): void {
    if (nanoseconds >= 0) {
      this.#above.record(nanoseconds);
      return;
    }
    this.#below ??= new Histogram();
    this.#below.record(-nanoseconds);
  }

  /** As {@link Histogram.quantile}, over samples of either sign. */
  quantile(quantile: number): number {
    const { count, belowZero } = this;
    if (this.#below === null || count === 0) return this.#above.quantile(quantile);
    const rank = Math.max(1, Math.ceil(Math.min(1, quantile) * count));
    // Half a rank, so that a share counted back from it falls on the same sample.
    if (rank > belowZero) return this.#above.quantile((rank - belowZero - 0.5) / this.#above.count);
    return -this.#below.quantile((belowZero - rank + 0.5) / belowZero);
  }

  merge(other: SignedHistogram): void {
    this.#above.merge(other.#above);
    if (other.#below === null) return;
    this.#below ??= new Histogram();
    this.#below.merge(other.#below);
  }

  snapshot(): HistogramSnapshot {
    const above = this.#above.snapshot();
    const below = this.#below?.snapshot() ?? null;
    const mirrored = (below?.buckets ?? []).map(([bucket, times]): [number, number] => [
      -1 - bucket,
      times,
    ]);
    return {
      count: this.count,
      sum: above.sum - (below?.sum ?? 0),
      min: this.min,
      max: this.max,
      buckets: [...mirrored.reverse(), ...above.buckets],
    };
  }

  /** Rebuilds what {@link snapshot} gave; throws `RangeError` for a bucket that cannot exist. */
  static fromSnapshot(snapshot: HistogramSnapshot): SignedHistogram {
    const histogram = new SignedHistogram();
    const above = snapshot.buckets.filter(([bucket]) => bucket >= 0);
    const below = snapshot.buckets
      .filter(([bucket]) => bucket < 0)
      .map(([bucket, times]): [number, number] => [-1 - bucket, times])
      .reverse();
    const hasBelow = below.length > 0;
    const parts = halves(snapshot, above, below);
    histogram.#above.merge(Histogram.fromSnapshot(parts.above));
    if (hasBelow) histogram.#below = Histogram.fromSnapshot(parts.below);
    return histogram;
  }
}

type Buckets = readonly (readonly [number, number])[];

/**
 * A snapshot of both signs knows the sum of all samples and the extremes of all; the negative half's
 * own sum is not in it and is taken as 0, which leaves the mean of the whole exact.
 */
function halves(snapshot: HistogramSnapshot, above: Buckets, below: Buckets) {
  const counted = (buckets: Buckets): number => buckets.reduce((sum, [, times]) => sum + times, 0);
  return {
    above: {
      count: counted(above),
      sum: snapshot.sum,
      min: below.length > 0 ? 0 : snapshot.min,
      max: Math.max(0, snapshot.max),
      buckets: above,
    },
    below: {
      count: counted(below),
      sum: 0,
      min: Math.max(0, -snapshot.max),
      max: -snapshot.min,
      buckets: below,
    },
  };
}
