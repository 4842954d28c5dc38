import { expect, test } from "vitest";
import { findKnee, type RatePoint } from "../../src/compare/statistics/knee.ts";

const RATES = [100, 200, 400, 800, 1_600, 3_200, 6_400];

/** A queue with one server of 8,000 messages a second: 125 µs each, and M/M/1's waiting on top. */
function curve(capacity: number): RatePoint[] {
  return RATES.map((ratePerSecond) => ({
    ratePerSecond,
    latencyNs: ratePerSecond < capacity ? 1e9 / (capacity - ratePerSecond) : 1e9,
    keepsUp: ratePerSecond < capacity,
  }));
}

test("the knee is where the curve bends, not where it ends", () => {
  expect(findKnee(curve(8_000))).toEqual({ kind: "knee", ratePerSecond: 3_200 });
});

test("the order of the points does not matter", () => {
  expect(findKnee(curve(8_000).reverse())).toEqual({ kind: "knee", ratePerSecond: 3_200 });
});

test("points that do not keep up are past the knee", () => {
  expect(findKnee(curve(1_700))).toEqual({ kind: "knee", ratePerSecond: 800 });
});

test("a cliff without a rise before it has its knee at the last good rate", () => {
  const points = RATES.map((ratePerSecond) => ({
    ratePerSecond,
    latencyNs: 100,
    keepsUp: ratePerSecond < 1_000,
  }));
  expect(findKnee(points)).toEqual({ kind: "knee", ratePerSecond: 800 });
});

test("a flat curve has no knee", () => {
  const knee = findKnee(curve(1_000_000));
  expect(knee).toEqual({ kind: "not reached", upToRatePerSecond: 6_400 });
});

test("a sweep that never keeps up lies past its knee", () => {
  expect(findKnee(curve(50))).toEqual({ kind: "below the sweep", fromRatePerSecond: 100 });
});
