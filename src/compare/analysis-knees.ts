import type { PairKnee, PointResult } from "./comparison-result.ts";
import { findKnee } from "./statistics/knee.ts";

/** The part of a point's blocks that must stand for its rate to count as carried. */
const LEAST_VALID_SHARE = 0.5;

/**
 * Where each pair's latency turns upwards over the points of a rate sweep, by p95 (the median
 * where p95 has too few samples): a queue that builds up shows in the tail first.
 */
export function kneesOf(points: readonly PointResult[]): PairKnee[] {
  const pairs = points[0]?.pairs ?? [];
  return pairs.map(({ ingress, egress }) => {
    const curve = points.map((point) => {
      const pair = point.pairs.find((each) => each.ingress === ingress && each.egress === egress);
      const quantiles = pair?.latency.quantiles;
      const latencyNs = quantiles?.p95 ?? quantiles?.p50 ?? null;
      const valid = point.blocks.filter(({ voidReasons }) => voidReasons.length === 0).length;
      return {
        ratePerSecond: point.factors.ratePerSecond,
        latencyNs: latencyNs ?? Number.POSITIVE_INFINITY,
        keepsUp: latencyNs !== null && valid >= point.blocks.length * LEAST_VALID_SHARE,
      };
    });
    return { ingress, egress, knee: findKnee(curve) };
  });
}
