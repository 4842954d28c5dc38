import { expect, test } from "vitest";
import { quantilesOf, samplesFor } from "../../src/compare/statistics/quantiles.ts";
import { SignedHistogram } from "../../src/compare/statistics/signed-histogram.ts";
import { stallModes } from "../../src/compare/statistics/stall-modes.ts";
import { Normal } from "../support/normal.ts";

const MS = 1_000_000;

function histogramOf(samples: Iterable<number>): SignedHistogram {
  const histogram = new SignedHistogram();
  for (const sample of samples) histogram.record(sample);
  return histogram;
}

test("p99.9 is stated from 10,000 samples on and p99 from 1,000", () => {
  expect([0.5, 0.9, 0.95, 0.99, 0.999].map(samplesFor)).toEqual([20, 100, 200, 1_000, 10_000]);
  const samples = Array.from({ length: 9_999 }, (_, index) => index + 1);
  const histogram = histogramOf(samples);
  expect(quantilesOf(histogram)["p99.9"]).toBeNull();
  expect(quantilesOf(histogram).p99).toBeGreaterThan(9_800);
  histogram.record(10_000);
  expect(quantilesOf(histogram)["p99.9"]).toBeGreaterThan(9_900);
  expect(quantilesOf(histogramOf([1, 2])).p50).toBeNull();
});

test("percentiles of merged histograms are those of all samples, not a mean of percentiles", () => {
  const quiet = histogramOf(Array.from({ length: 9_900 }, () => MS));
  const stalled = histogramOf(Array.from({ length: 100 }, () => 500 * MS));
  const averaged = (quiet.quantile(0.98) + stalled.quantile(0.98)) / 2;
  quiet.merge(stalled);
  expect(quiet.count).toBe(10_000);
  expect(quiet.quantile(0.98)).toBeLessThan(1.01 * MS);
  expect(quiet.quantile(0.995)).toBeGreaterThan(495 * MS);
  expect(averaged).toBeGreaterThan(200 * MS);
});

test("samples below 0 are kept, in quantiles, extremes and snapshots", () => {
  const histogram = histogramOf([-30, -20, -10, 0, 10, 20, 30]);
  expect(histogram.belowZero).toBe(3);
  const quantiles = [1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 1].map((share) =>
    histogram.quantile(share - 1e-9),
  );
  expect(quantiles).toEqual([-30, -20, -10, 0, 10, 30]);
  expect([histogram.min, histogram.max, histogram.mean]).toEqual([-30, 30, 0]);
  const { buckets } = histogram.snapshot();
  expect(buckets.map(([bucket]) => bucket)).toEqual([-31, -21, -11, 0, 10, 20, 30]);
  const rebuilt = SignedHistogram.fromSnapshot(JSON.parse(JSON.stringify(histogram.snapshot())));
  expect(rebuilt.snapshot()).toEqual(histogram.snapshot());
});

test("a distribution wholly below 0 has a negative greatest sample", () => {
  const histogram = histogramOf([-30, -20]);
  expect([histogram.min, histogram.max, histogram.quantile(0.5)]).toEqual([-30, -20, -30]);
  expect(SignedHistogram.fromSnapshot(histogram.snapshot()).snapshot()).toEqual(
    histogram.snapshot(),
  );
});

/** Log-normal latencies around 300 µs, of which `share` wait `stallMs` longer. */
function* latencies(share: number, stallMs: number): Generator<number> {
  const normal = new Normal(5);
  for (let index = 0; index < 20_000; index += 1) {
    const stall = normal.uniform() < share ? stallMs * MS : 0;
    yield 0.3 * MS * Math.exp(0.5 * normal.next()) + stall;
  }
}

test("one message in a hundred that waits for a delayed acknowledgement is a mode at 40 ms", () => {
  const modes = stallModes(histogramOf(latencies(0.01, 40)));
  expect(modes).toMatchObject([{ atMs: 40 }]);
  expect(modes[0]?.share).toBeCloseTo(0.01, 2);
  expect(modes[0]?.meaning).toMatch(/Nagle/);
});

test("a mode at 200 ms is told from one at 40 ms", () => {
  expect(stallModes(histogramOf(latencies(0.005, 203)))).toMatchObject([{ atMs: 200 }]);
});

test("a long tail, a poll interval and a slow network are no modes", () => {
  const normal = new Normal(7);
  const tail = Array.from({ length: 20_000 }, () => MS * Math.exp(1.8 * normal.next()));
  const poll = Array.from({ length: 20_000 }, () => 100 * MS * normal.uniform());
  const satellite = Array.from({ length: 20_000 }, () => MS * (300 + 200 * normal.uniform()));
  for (const samples of [tail, poll, satellite]) {
    expect(stallModes(histogramOf(samples))).toEqual([]);
  }
});

test("a stall behind a slow network is a mode all the same", () => {
  const behind = [...latencies(0.02, 41)].map((latency) => latency + 150 * MS);
  expect(stallModes(histogramOf(behind))).toMatchObject([{ atMs: 40 }]);
});
