/** One point of a rate sweep for one pair. */
export interface RatePoint {
  readonly ratePerSecond: number;
  /** A latency quantile or median at that rate. */
  readonly latencyNs: number;
  /** Whether everything sent arrived on time; a point that does not keep up is past the knee. */
  readonly keepsUp: boolean;
}

/** Where latency turns upwards. */
export type Knee =
  | { readonly kind: "knee"; readonly ratePerSecond: number }
  | { readonly kind: "not reached"; readonly upToRatePerSecond: number }
  | { readonly kind: "below the sweep"; readonly fromRatePerSecond: number };

/** A curve that does not rise by this much over the least of it has no knee; it has noise. */
const LEAST_RISE = 2;

/**
 * The knee of latency against rate by Kneedle (V. Satopää, J. Albrecht, D. Irwin and B. Raghavan,
 * "Finding a 'Kneedle' in a Haystack", ICDCS Workshops 2011): with both axes scaled to 0…1, the
 * point farthest below the diagonal. Rates are taken by their logarithm, as sweeps double them.
 * Points from the first that does not keep up are left out; if it is that which ends the curve, and
 * latency has not risen before, the last good rate is the knee.
 */
export function findKnee(points: readonly RatePoint[]): Knee {
  const sorted = [...points].sort((a, b) => a.ratePerSecond - b.ratePerSecond);
  const firstBad = sorted.findIndex((point) => !point.keepsUp);
  const good = firstBad === -1 ? sorted : sorted.slice(0, firstBad);
  const first = good[0];
  const last = good.at(-1);
  if (first === undefined || last === undefined) {
    return { kind: "below the sweep", fromRatePerSecond: sorted[0]?.ratePerSecond ?? 0 };
  }
  const least = Math.min(...good.map((point) => point.latencyNs));
  const most = Math.max(...good.map((point) => point.latencyNs));
  if (good.length < 3 || most < least * LEAST_RISE) {
    return firstBad === -1
      ? { kind: "not reached", upToRatePerSecond: last.ratePerSecond }
      : { kind: "knee", ratePerSecond: last.ratePerSecond };
  }
  const span = Math.log(last.ratePerSecond / first.ratePerSecond);
  let best = { ratePerSecond: first.ratePerSecond, distance: Number.NEGATIVE_INFINITY };
  for (const { ratePerSecond, latencyNs } of good) {
    const x = Math.log(ratePerSecond / first.ratePerSecond) / span;
    const distance = x - (latencyNs - least) / (most - least);
    if (distance > best.distance) best = { ratePerSecond, distance };
  }
  return { kind: "knee", ratePerSecond: best.ratePerSecond };
}
