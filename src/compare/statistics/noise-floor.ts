import type { Interval } from "./interval.ts";

/**
 * How large a difference between equals the run produces. Two readers of one transport are equal by
 * construction, so their difference is the instrument's own: the floor is the greater of what it
 * came out as and the half-width of its interval, which is what it comes out as by chance.
 */
export function noiseFloor(sameTwice: Interval): number {
  return Math.max(Math.abs(sameTwice.estimate), (sameTwice.high - sameTwice.low) / 2);
}

/** What may be said of a difference. */
export type Verdict = "lower" | "higher" | "no measurable difference";

/**
 * `lower` or `higher` only for an estimate that is beyond the floor and whose interval excludes 0.
 * Without a floor nothing is measurable: it is what tells a difference from the instrument.
 */
export function verdictOf(difference: Interval, floor: number | null): Verdict {
  const excludesZero = difference.low > 0 || difference.high < 0;
  const isBeyondFloor = floor !== null && Math.abs(difference.estimate) > floor;
  if (!excludesZero || !isBeyondFloor) return "no measurable difference";
  return difference.estimate < 0 ? "lower" : "higher";
}
