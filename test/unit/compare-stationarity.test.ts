import { expect, test } from "vitest";
import { kendallTrend, stationarity } from "../../src/compare/statistics/stationarity.ts";
import { warmUpBatches } from "../../src/compare/statistics/warm-up.ts";
import { Normal } from "../support/normal.ts";

const BATCHES = 40;

/** A series that starts `excess` too high and settles with the time constant `constant`. */
function series(seed: number, excess: number, constant: number): number[] {
  const normal = new Normal(seed);
  return Array.from(
    { length: BATCHES },
    (_, batch) => 1 + excess * Math.exp(-batch / constant) + 0.07 * normal.next(),
  );
}

function settledShare(excess: number, constant: number): number {
  let settled = 0;
  for (let seed = 0; seed < 500; seed += 1) {
    if (stationarity(series(seed, excess, constant)).isStationary) settled += 1;
  }
  return settled / 500;
}

test("a series without a warm-up is stationary in nineteen of twenty runs", () => {
  expect(settledShare(0, 1)).toBeGreaterThan(0.95);
});

test("a short warm-up is cut off and the rest is stationary", () => {
  const { truncateBefore, isStationary } = stationarity(series(3, 2, 3));
  expect(isStationary).toBe(true);
  expect(truncateBefore).toBeGreaterThanOrEqual(5);
  expect(truncateBefore).toBeLessThanOrEqual(16);
  expect(settledShare(2, 3)).toBeGreaterThan(0.9);
});

test("a series that is still settling at its end is not stationary", () => {
  expect(settledShare(2, 10)).toBeLessThan(0.08);
  expect(settledShare(1, 20)).toBeLessThan(0.05);
});

test("one stalled batch is no trend", () => {
  const stalled = series(3, 0, 1);
  stalled[30] = 40;
  expect(stationarity(stalled).trendPValue).toBeGreaterThan(0.02);
});

test("too few batches say nothing, and that is not stationary", () => {
  expect(stationarity([1, 1, 1]).isStationary).toBe(false);
  expect(stationarity(new Array(20).fill(5)).isStationary).toBe(true);
});

test("Kendall's trend agrees with a worked example", () => {
  // S = 10 of 10 pairs, variance 5 · 4 · 15 / 18: z = 9 / 4.0825.
  const rising = kendallTrend([1, 2, 3, 4, 5]);
  expect(rising.trend).toBe(1);
  expect(rising.pValue).toBeCloseTo(0.0275, 4);
  expect(kendallTrend([5, 4, 3, 2, 1]).trend).toBe(-1);
  expect(kendallTrend([2, 2, 2]).pValue).toBe(1);
});

test("a slow poller does not hide that the others warm up", () => {
  const normal = new Normal(1);
  const fast = Float64Array.from(
    { length: 2_000 },
    (_, index) => 100_000 * (1 + 3 * Math.exp(-index / 700) + 0.1 * normal.next()),
  );
  const poller = Float64Array.from({ length: 2_000 }, () => 1e8 * normal.uniform());
  const batches = warmUpBatches([fast, poller]);
  expect(batches).toHaveLength(BATCHES);
  expect(stationarity(batches).isStationary).toBe(false);
  expect(warmUpBatches([fast.subarray(0, 10)])).toEqual([]);
  expect(warmUpBatches([])).toEqual([]);
});
