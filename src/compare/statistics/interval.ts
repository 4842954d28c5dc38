import { studentQuantile, studentTwoSided } from "./student.ts";
import { mean, variance } from "./summary.ts";

/** Confidence of every interval the instrument prints. */
export const CONFIDENCE = 0.95;

/** An estimate with the interval that covers the truth in {@link CONFIDENCE} of all runs. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
  /** Two-sided chance of an estimate this far from 0 if the truth were 0. */
  readonly pValue: number;
}

/** One block's difference, and how much later the first of the two stood in the order. */
export interface BlockDifference {
  readonly difference: number;
  readonly positionDifference: number;
}

/** An interval of differences with what one place in the order is worth. */
export interface AdjustedInterval extends Interval {
  /** Difference per place in the order; `null` when the places did not vary enough to tell. */
  readonly perPosition: number | null;
}

/**
 * The interval of a mean over blocks, by Student's t.
 *
 * Blocks are the sample, not messages: messages of one block share its connections, its place in
 * the order and the state of both processes, so thousands of them are not thousands of independent
 * observations, and an interval over them would be far too narrow. A block's estimate is a median
 * of many messages and so nearly normal, which is all that t asks. A percentile bootstrap is less
 * accurate in small samples (T. Hesterberg, "What Teachers Should Know about the Bootstrap", The
 * American Statistician 69(4), 2015): over a dozen blocks it is too narrow by a sixth, since
 * 1.96 · √(11/12) / 2.20 = 0.85.
 *
 * `null` of fewer than two.
 */
export function meanInterval(values: readonly number[]): Interval | null {
  if (values.length < 2) return null;
  const standardError = Math.sqrt(variance(values) / values.length);
  return around(mean(values), standardError, values.length - 1);
}

/**
 * The interval of a difference over blocks with position as a linear term: the intercept of
 * least squares on `positionDifference`, that is, the difference if both stood at the same place.
 *
 * A gateway writes to its readers one after the other, so each place later costs time that belongs
 * to no transport. Places are drawn at random, which removes the bias on average; the term removes
 * it from each run, and its share of the noise, for one degree of freedom. `null` of fewer than two.
 */
export function adjustedInterval(blocks: readonly BlockDifference[]): AdjustedInterval | null {
  const count = blocks.length;
  const centre = mean(blocks.map((block) => block.positionDifference));
  let squares = 0;
  let products = 0;
  for (const { difference, positionDifference } of blocks) {
    squares += (positionDifference - centre) ** 2;
    products += (positionDifference - centre) * difference;
  }
  if (count < 4 || squares === 0) {
    const plain = meanInterval(blocks.map(({ difference }) => difference));
    return plain === null ? null : { ...plain, perPosition: null };
  }
  const perPosition = products / squares;
  const estimate = mean(blocks.map((block) => block.difference)) - perPosition * centre;
  const residual = blocks.reduce((sum, { difference, positionDifference }) => {
    return sum + (difference - estimate - perPosition * positionDifference) ** 2;
  }, 0);
  const degrees = count - 2;
  const standardError = Math.sqrt((residual / degrees) * (1 / count + centre ** 2 / squares));
  return { ...around(estimate, standardError, degrees), perPosition };
}

/**
 * The interval of `after` minus `before` for two independent runs, by Welch's t, which does not
 * suppose that both vary alike. `null` when either has fewer than two blocks.
 */
export function welchInterval(
  before: readonly number[],
  after: readonly number[],
): Interval | null {
  if (before.length < 2 || after.length < 2) return null;
  const first = variance(before) / before.length;
  const second = variance(after) / after.length;
  const squared = first + second;
  // Two constants differ exactly; any number of degrees says the same of an error of 0.
  const degrees =
    squared === 0
      ? before.length + after.length - 2
      : squared ** 2 / (first ** 2 / (before.length - 1) + second ** 2 / (after.length - 1));
  return around(mean(after) - mean(before), Math.sqrt(squared), degrees);
}

function around(estimate: number, standardError: number, degreesOfFreedom: number): Interval {
  const half = studentQuantile(CONFIDENCE, degreesOfFreedom) * standardError;
  return {
    estimate,
    low: estimate - half,
    high: estimate + half,
    standardError,
    degreesOfFreedom,
    pValue: estimate === 0 ? 1 : studentTwoSided(estimate / standardError, degreesOfFreedom),
  };
}

/**
 * Holm's adjustment of a family of p-values (S. Holm, Scandinavian Journal of Statistics 6, 1979):
 * all those below 0.05 after it are false at most once in 20 families. In the order given.
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const order = pValues.map((value, index) => ({ value, index }));
  order.sort((a, b) => a.value - b.value);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let highest = 0;
  for (const [rank, { value, index }] of order.entries()) {
    highest = Math.max(highest, Math.min(1, value * (pValues.length - rank)));
    adjusted[index] = highest;
  }
  return adjusted;
}
