import { expect, test } from "vitest";
import {
  adjustedInterval,
  holmAdjusted,
  meanInterval,
  welchInterval,
} from "../../src/compare/statistics/interval.ts";
import { noiseFloor, verdictOf } from "../../src/compare/statistics/noise-floor.ts";
import { pairedDifferences } from "../../src/compare/statistics/paired.ts";
import { studentQuantile, studentTwoSided } from "../../src/compare/statistics/student.ts";

test("Student's t agrees with the printed tables", () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, §1.3.6.7.2, two-sided 95 and 99 %.
  const table: [number, number, number][] = [
    [0.95, 1, 12.706],
    [0.95, 2, 4.303],
    [0.95, 10, 2.228],
    [0.95, 11, 2.201],
    [0.95, 30, 2.042],
    [0.95, 100, 1.984],
    [0.99, 5, 4.032],
    [0.99, 20, 2.845],
  ];
  for (const [confidence, degrees, expected] of table) {
    expect(studentQuantile(confidence, degrees)).toBeCloseTo(expected, 3);
    expect(studentTwoSided(expected, degrees)).toBeCloseTo(1 - confidence, 4);
  }
  // One degree of freedom is Cauchy's distribution, which has a closed form.
  expect(studentTwoSided(3, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(3), 12);
});

test("the interval of a mean is Student's over the blocks", () => {
  // Mean 5, standard deviation √(10/3), n = 4: ± 3.182 · 0.9129.
  const interval = meanInterval([3, 4, 6, 7]);
  expect(interval?.estimate).toBe(5);
  expect(interval?.low).toBeCloseTo(5 - 3.1824 * Math.sqrt(10 / 3 / 4), 3);
  expect(interval?.high).toBeCloseTo(5 + 3.1824 * Math.sqrt(10 / 3 / 4), 3);
  expect(meanInterval([3])).toBeNull();
});

test("a difference that is all position is none", () => {
  const blocks = [-3, 2, 1, -1, 4].map((positionDifference) => ({
    difference: 10 * positionDifference,
    positionDifference,
  }));
  const interval = adjustedInterval(blocks);
  expect(interval?.estimate).toBeCloseTo(0, 9);
  expect(interval?.perPosition).toBeCloseTo(10, 9);
});

test("the adjusted interval is that of least squares", () => {
  // y on x: intercept 2.2, slope 0.6, residual variance 0.8, SE of the intercept 0.9381.
  const blocks = [2, 4, 5, 4, 5].map((difference, index) => ({
    difference,
    positionDifference: index + 1,
  }));
  const interval = adjustedInterval(blocks);
  expect(interval?.estimate).toBeCloseTo(2.2, 9);
  expect(interval?.perPosition).toBeCloseTo(0.6, 9);
  expect(interval?.standardError).toBeCloseTo(0.9381, 4);
  expect(interval?.degreesOfFreedom).toBe(3);
});

test("without varying positions the difference is the plain mean", () => {
  const blocks = [1, 2, 3, 4].map((difference) => ({ difference, positionDifference: 1 }));
  expect(adjustedInterval(blocks)).toMatchObject({ estimate: 2.5, perPosition: null });
  expect(adjustedInterval([])).toBeNull();
});

test("Welch's interval does not suppose equal variances", () => {
  // t and its degrees of freedom by hand, p by Simpson's rule over the density.
  const before = [
    27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4,
  ];
  const after = [
    27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4,
  ];
  const interval = welchInterval(before, after);
  const t = (interval?.estimate ?? 0) / (interval?.standardError ?? 1);
  expect(t).toBeCloseTo(2.85295, 5);
  expect(interval?.degreesOfFreedom).toBeCloseTo(27.8873, 4);
  expect(interval?.pValue).toBeCloseTo(0.00807194, 7);
  const reversed = welchInterval(after, before);
  expect(reversed?.estimate).toBeCloseTo(-(interval?.estimate ?? 0), 12);
  expect(reversed?.low).toBeCloseTo(-(interval?.high ?? 0), 9);
  expect(welchInterval([1, 1], [3, 3])).toMatchObject({ estimate: 2, low: 2, high: 2, pValue: 0 });
});

test("Holm's adjustment is that of the step-down procedure, in the order given", () => {
  expect(holmAdjusted([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  expect(holmAdjusted([0.9, 0.8])).toEqual([1, 1]);
  expect(holmAdjusted([])).toEqual([]);
});

const wide = (estimate: number, half: number) => ({
  estimate,
  low: estimate - half,
  high: estimate + half,
  standardError: half / 2,
  degreesOfFreedom: 11,
  pValue: 0.5,
});

test("the floor is what equals came out as, or could by chance, whichever is more", () => {
  expect(noiseFloor(wide(-3, 10))).toBe(10);
  expect(noiseFloor(wide(-30, 10))).toBe(30);
});

test("a difference is told only past the floor and away from 0", () => {
  expect(verdictOf(wide(-20, 5), 10)).toBe("lower");
  expect(verdictOf(wide(20, 5), 10)).toBe("higher");
  expect(verdictOf(wide(20, 25), 10)).toBe("no measurable difference");
  expect(verdictOf(wide(9, 5), 10)).toBe("no measurable difference");
  expect(verdictOf(wide(20, 5), null)).toBe("no measurable difference");
});

test("differences pair the messages that both readers received", () => {
  const { NaN: lost } = Number;
  const first = Float64Array.of(10, lost, 30, 45, 1_000);
  const second = Float64Array.of(5, 20, lost, 35, 35);
  expect(pairedDifferences(first, second)).toEqual({ count: 3, median: 10, mean: 980 / 3 });
  expect(pairedDifferences(Float64Array.of(lost), Float64Array.of(1))).toBeNull();
});
