import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ClockExchange,
  ClockTrack,
  estimateClockOffset,
} from "../../src/compare/statistics/clock-offset.ts";
import { SequenceOracle } from "../../src/compare/statistics/sequence-oracle.ts";
import { SignedHistogram } from "../../src/compare/statistics/signed-histogram.ts";

const RUNS = { seed: 20_261, numRuns: 300 };

test("the oracle counts whatever comes as a list of all that came would", () => {
  const arrivals = fc.array(fc.nat({ max: 19 }), { maxLength: 60 });
  fc.assert(
    fc.property(arrivals, (sequences) => {
      const oracle = new SequenceOracle(20);
      for (const sequence of sequences) oracle.receive(sequence);
      const firsts = sequences.filter((each, index) => sequences.indexOf(each) === index);
      const late = firsts.filter((each, index) =>
        firsts.slice(0, index).some((earlier) => earlier > each),
      );
      expect(oracle.count()).toEqual({
        expected: 20,
        received: firsts.length,
        lost: 20 - firsts.length,
        duplicates: sequences.length - firsts.length,
        reordered: late.length,
      });
    }),
    RUNS,
  );
});

test("the oracle refuses a message that was never sent", () => {
  expect(() => new SequenceOracle(3).receive(3)).toThrow(RangeError);
  expect(() => new SequenceOracle(3).receive(-1)).toThrow(RangeError);
});

test("merged histograms are the histogram of all samples, whatever their sign", () => {
  const samples = fc.array(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }));
  fc.assert(
    fc.property(samples, samples, (one, other) => {
      const recorded = (values: readonly number[]): SignedHistogram => {
        const histogram = new SignedHistogram();
        for (const value of values) histogram.record(value);
        return histogram;
      };
      const merged = recorded(one);
      merged.merge(SignedHistogram.fromSnapshot(recorded(other).snapshot()));
      const together = recorded([...one, ...other]);
      expect(merged.snapshot().buckets).toEqual(together.snapshot().buckets);
      expect(merged.snapshot().sum).toBeCloseTo(together.snapshot().sum, 3);
      const sorted = [...one, ...other].sort((a, b) => a - b);
      for (const quantile of [0.01, 0.25, 0.5, 0.9, 1]) {
        const truth = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? 0;
        const error = Math.abs(together.quantile(quantile) - truth);
        expect(error).toBeLessThanOrEqual(Math.abs(truth) / 64);
      }
    }),
    RUNS,
  );
});

const ways = fc.record({
  outNs: fc.integer({ min: 1, max: 5_000_000 }),
  backNs: fc.integer({ min: 1, max: 5_000_000 }),
});

/** Exchanges 1 ms apart with a clock that is `offsetNs` ahead, however crooked the way. */
function exchangesOf(offsetNs: number, all: readonly { outNs: number; backNs: number }[]) {
  return all.map(({ outNs, backNs }, index): ClockExchange => {
    const askedAtNs = index * 20_000_000;
    const heardAtNs = askedAtNs + outNs + offsetNs;
    const answeredAtNs = heardAtNs + 1_000;
    return { askedAtNs, heardAtNs, answeredAtNs, returnedAtNs: answeredAtNs - offsetNs + backNs };
  });
}

test("a clock offset lies within its stated error, however lopsided the network", () => {
  const offsets = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
  fc.assert(
    fc.property(offsets, fc.array(ways, { minLength: 1, maxLength: 20 }), (offsetNs, all) => {
      const estimate = estimateClockOffset(exchangesOf(offsetNs, all));
      expect(Math.abs(estimate.offsetNs - offsetNs)).toBeLessThanOrEqual(estimate.errorNs + 1e-6);
      // Never worse than the quickest exchange alone (RFC 5905: half its round trip).
      const quickest = Math.min(...all.map(({ outNs, backNs }) => outNs + backNs));
      expect(estimate.errorNs).toBeLessThanOrEqual(quickest / 2);
    }),
    RUNS,
  );
});

test("a clock that stepped between exchanges has no offset", () => {
  const way = [{ outNs: 1_000, backNs: 1_000 }];
  const stepped = [...exchangesOf(0, way), ...exchangesOf(5_000_000, way)];
  expect(() => estimateClockOffset(stepped)).toThrow(/no clock offset fits/);
  expect(() => estimateClockOffset([])).toThrow(RangeError);
});

test("steady drift is followed between two estimates", () => {
  const track = new ClockTrack(
    { offsetNs: 1_000, errorNs: 10, atNs: 0 },
    { offsetNs: 51_000, errorNs: 30, atNs: 1e9 },
  );
  expect(track.driftPpm).toBeCloseTo(50, 9);
  expect(track.errorNs).toBe(30);
  expect(track.offsetAt(5e8)).toBeCloseTo(26_000, 6);
  expect(track.toOurs(5e8 + 26_000)).toBeCloseTo(5e8, 6);
});
