/** Buckets per power of two: bucket width is at most 1/64 of the value at its foot. */
const STEPS_PER_OCTAVE = 64;
const STEP_BITS = 6;
/** Octaves above the exact part: 64 ns … 2^42 ns, which is 73 minutes. */
const OCTAVES = 36;
const BUCKETS = STEPS_PER_OCTAVE * (OCTAVES + 1);
const HIGHEST_TRACKED = 2 ** (STEP_BITS + OCTAVES) - 1;
/**
 * A value written here is read as the bits of its double (IEEE 754: exponent, then mantissa), which
 * takes two thirds of the time that a logarithm by `clz32` and a product take.
 */
const VALUE = new Float64Array(1);
const HALVES = new Uint32Array(VALUE.buffer);
/** Of the halves, that with the exponent: the second where the least byte is stored first. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
/** Bits of the high half below the first six of the mantissa. */
const BELOW_STEP_BITS = 20 - STEP_BITS;
/** What exponent and step of 64, the least value above the exact part, come to less its bucket. */
const FIRST_STEP = ((1_023 + STEP_BITS) << STEP_BITS) - STEPS_PER_OCTAVE;

/** A histogram as it crosses a process border or stands in a file; only buckets that counted. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Pairs of bucket index and count, rising by index. */
  readonly buckets: readonly (readonly [number, number])[];
}

/**
 * A log-linear histogram of durations in whole nanoseconds, from 0 to 73 minutes.
 *
 * Values below 64 are kept exactly; above, a bucket spans 1/64 of its octave's foot and is reported
 * by its middle, so a quantile is off by at most 1/128 (0.8 %) of the true sample. Count, sum, least
 * and greatest are exact. Recording touches one array cell and allocates nothing. Two histograms merge
 * without further error; percentiles are never averaged.
 */
export class Histogram {
  // Doubles, not 32-bit integers: a year of counting at 1 M/s stays exact.
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /** Samples recorded. */
  get count(): number {
    return this.#count;
  }

  /** Sum of the samples, nanoseconds. */
  get sum(): number {
    return this.#sum;
  }

  /** The least sample; 0 when there is none. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /**
   * Counts `nanoseconds` `times` over. A negative value (a clock that stepped) counts as 0 and one
   * past 73 minutes in the last bucket: a sample is never discarded, or quantiles would lie.
   */
  record(nanoseconds: number, times = 1): void {
    const value = Math.max(nanoseconds, 0);
    const bucket = bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times;
    this.#count += times;
    this.#sum += value * times;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /**
   * The value at or below which the share `quantile` (0…1) of the samples lie; 0 without samples.
   * `quantile(1)` is the exact greatest.
   */
  quantile(quantile: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(Math.min(1, quantile) * this.#count));
    if (rank === this.#count) return this.#max;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(this.#max, Math.max(this.#min, middleOf(bucket)));
    }
    return this.#max;
  }

  /** Samples in buckets that lie wholly at or below `nanoseconds`: what a Prometheus bucket needs. */
  countAtOrBelow(nanoseconds: number): number {
    return this.countsAtOrBelow([nanoseconds])[0] ?? 0;
  }

  /** As {@link countAtOrBelow}, for each of the bounds, which rise, in one pass. */
  countsAtOrBelow(bounds: readonly number[]): number[] {
    const counts: number[] = [];
    let seen = 0;
    let bucket = 0;
    for (const bound of bounds) {
      while (bucket < BUCKETS && footOf(bucket + 1) - 1 <= bound) {
        seen += this.#counts[bucket] ?? 0;
        bucket += 1;
      }
      counts.push(seen);
    }
    return counts;
  }

  /** The samples recorded after `earlier`, a copy of this histogram, was made. */
  since(earlier: Histogram): Histogram {
    const later = new Histogram();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const times = (this.#counts[bucket] ?? 0) - (earlier.#counts[bucket] ?? 0);
      if (times <= 0) continue;
      later.#counts[bucket] = times;
      later.#count += times;
      // Only all samples together know their exact extremes.
      later.#min = Math.min(later.#min, footOf(bucket));
      later.#max = Math.min(this.#max, footOf(bucket + 1) - 1);
    }
    later.#sum = this.#sum - earlier.#sum;
    return later;
  }

  copy(): Histogram {
    const copied = new Histogram();
    copied.merge(this);
    return copied;
  }

  /** Adds every sample of `other`. */
  merge(other: Histogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const times = other.#counts[bucket] ?? 0;
      if (times > 0) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times;
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
  }

  snapshot(): HistogramSnapshot {
    const buckets: [number, number][] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const times = this.#counts[bucket] ?? 0;
      if (times > 0) buckets.push([bucket, times]);
    }
    return { count: this.#count, sum: this.#sum, min: this.min, max: this.#max, buckets };
  }

  /** Rebuilds what {@link snapshot} gave; throws `RangeError` for a bucket that cannot exist. */
  static fromSnapshot(snapshot: HistogramSnapshot): Histogram {
    const histogram = new Histogram();
    for (const [bucket, times] of snapshot.buckets) {
      if (!Number.isInteger(bucket) || bucket < 0 || bucket >= BUCKETS) {
        throw new RangeError(`histogram bucket ${bucket} is outside 0…${BUCKETS - 1}`);
      }
      histogram.#counts[bucket] = (histogram.#counts[bucket] ?? 0) + times;
      histogram.#count += times;
    }
    histogram.#sum = snapshot.sum;
    histogram.#min = snapshot.count === 0 ? Number.POSITIVE_INFINITY : snapshot.min;
    histogram.#max = snapshot.max;
    return histogram;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS_PER_OCTAVE) return value | 0;
  if (value > HIGHEST_TRACKED) return BUCKETS - 1;
  VALUE[0] = value;
  return ((HALVES[HIGH] ?? 0) >>> BELOW_STEP_BITS) - FIRST_STEP;
}

/** The least whole value of a bucket. */
function footOf(bucket: number): number {
  if (bucket < STEPS_PER_OCTAVE) return bucket;
  const octave = Math.floor(bucket / STEPS_PER_OCTAVE) - 1;
  return (STEPS_PER_OCTAVE + (bucket % STEPS_PER_OCTAVE)) * 2 ** octave;
}

function middleOf(bucket: number): number {
  const foot = footOf(bucket);
  return foot + (footOf(bucket + 1) - 1 - foot) / 2;
}
