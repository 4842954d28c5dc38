import { studentTwoSided } from "./student.ts";

/** What a series of batch values, in the order of time, says of its warm-up. */
export interface Stationarity {
  /** Leading batches that belong to the warm-up. */
  readonly truncateBefore: number;
  /** Kendall's τ of what remains: −1 falling, 1 rising. */
  readonly trend: number;
  /** Two-sided chance of such a trend in a series without one. */
  readonly trendPValue: number;
  readonly isStationary: boolean;
}

/** Below it a trend is believed: one settled run in fifty is sent back for more warm-up. */
const TREND_SIGNIFICANCE = 0.02;
/** With fewer batches neither rule can tell anything. */
const LEAST_BATCHES = 10;

/**
 * Whether a series has settled, and from where.
 *
 * MSER (K. P. White, "An effective truncation heuristic for bias reduction in simulation output",
 * Simulation 69(6), 1997) cuts where the remainder's mean has the least standard error; it is what
 * K. Hoad, S. Robinson and R. Davies chose from a survey of methods ("Automating warm-up length
 * estimation", Journal of the Operational Research Society 61(9), 2010). A cut in the second half means that the series is
 * too short to have settled (ibid.). What remains must also show no trend by Mann and Kendall's
 * test (H. B. Mann, "Nonparametric tests against trend", Econometrica 13, 1945). Batches are
 * medians of many messages, so that neighbours are nearly independent and a stall is one value.
 */
export function stationarity(batches: readonly number[]): Stationarity {
  if (batches.length < LEAST_BATCHES) {
    return { truncateBefore: batches.length, trend: 0, trendPValue: 1, isStationary: false };
  }
  const half = Math.floor(batches.length / 2);
  const truncateBefore = mserTruncation(batches, half + 1);
  const { trend, pValue } = kendallTrend(batches.slice(Math.min(truncateBefore, half)));
  return {
    truncateBefore,
    trend,
    trendPValue: pValue,
    isStationary: truncateBefore <= half && pValue >= TREND_SIGNIFICANCE,
  };
}

/** The cut, at most `most`, that makes Σ(y − ȳ)² / m² of the m batches after it least. */
function mserTruncation(batches: readonly number[], most: number): number {
  let best = { cut: 0, score: Number.POSITIVE_INFINITY };
  for (let cut = 0; cut <= most; cut += 1) {
    const rest = batches.slice(cut);
    const centre = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    const squares = rest.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    const score = squares / rest.length ** 2;
    if (score < best.score) best = { cut, score };
  }
  return best.cut;
}

/**
 * Kendall's τ against time, with its p-value by the normal approximation with continuity correction,
 * taken from Student's t with many degrees of freedom. Ties shrink the variance; they are counted.
 */
export function kendallTrend(values: readonly number[]): { trend: number; pValue: number } {
  const count = values.length;
  const pairs = (count * (count - 1)) / 2;
  let score = 0;
  for (const [index, value] of values.entries()) {
    for (const later of values.slice(index + 1)) score += Math.sign(later - value);
  }
  const ties = new Map<number, number>();
  for (const value of values) ties.set(value, (ties.get(value) ?? 0) + 1);
  const spread = (size: number): number => size * (size - 1) * (2 * size + 5);
  const tied = [...ties.values()].reduce((sum, size) => sum + spread(size), 0);
  const deviation = Math.sqrt((spread(count) - tied) / 18);
  if (deviation === 0) return { trend: 0, pValue: 1 };
  const z = Math.max(0, Math.abs(score) - 1) / deviation;
  return { trend: score / pairs, pValue: z === 0 ? 1 : studentTwoSided(z, 1e6) };
}
