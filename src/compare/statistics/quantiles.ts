/** What is read of a distribution, by name and share. */
export const QUANTILES = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
  ["p99.9", 0.999],
] as const;

export type QuantileName = (typeof QUANTILES)[number][0];

/** `null` where the samples are too few to say. */
export type Quantiles = Readonly<Record<QuantileName, number | null>>;

/**
 * Samples that must lie beyond a quantile before it is stated: with ten, the count beyond the true
 * quantile is known to about a third. It asks 10,000 samples for p99.9, 1,000 for p99, 20 for p50.
 */
const SAMPLES_BEYOND = 10;

/** Samples without which a quantile is not stated. */
export function samplesFor(quantile: number): number {
  // Rounded before up: 10 / (1 − 0.999) is 10,000.000000000009 in doubles.
  return Math.ceil(Number((SAMPLES_BEYOND / (1 - quantile)).toPrecision(12)));
}

/** The quantiles of one distribution, merged from all its windows; percentiles are never averaged. */
export function quantilesOf(histogram: {
  readonly count: number;
  quantile(quantile: number): number;
}): Quantiles {
  const read = (quantile: number): number | null =>
    histogram.count < samplesFor(quantile) ? null : histogram.quantile(quantile);
  return {
    p50: read(0.5),
    p90: read(0.9),
    p95: read(0.95),
    p99: read(0.99),
    "p99.9": read(0.999),
  };
}
