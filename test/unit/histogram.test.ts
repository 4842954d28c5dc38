import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Histogram } from "../../src/telemetry/histogram.ts";

const SECOND = 1_000_000_000;

function exactQuantile(samples: readonly number[], quantile: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(quantile * sorted.length)) - 1] ?? 0;
}

describe("Histogram", () => {
  test("reports every quantile within 1 % of the exact sample, from nanoseconds to minutes", () => {
    const duration = fc
      .tuple(fc.integer({ min: 0, max: 40 }), fc.double({ min: 1, max: 2, noNaN: true }))
      .map(([octave, scale]) => Math.floor(2 ** octave * scale));
    fc.assert(
      fc.property(
        fc.array(duration, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0, 0.01, 0.5, 0.9, 0.99, 0.999, 1),
        (samples, quantile) => {
          const histogram = new Histogram();
          for (const sample of samples) histogram.record(sample);
          const exact = exactQuantile(samples, quantile);
          expect(Math.abs(histogram.quantile(quantile) - exact)).toBeLessThanOrEqual(exact * 0.01);
        },
      ),
    );
  });

  test("keeps values below 64 ns exactly", () => {
    for (let value = 0; value < 64; value += 1) {
      const histogram = new Histogram();
      histogram.record(value);
      histogram.record(1_000);
      expect(histogram.quantile(0.5)).toBe(value);
    }
  });

  test("has 64 buckets of equal width an octave, up to 2^42 ns", () => {
    for (let octave = 0; octave < 36; octave += 1) {
      const foot = 64 * 2 ** octave;
      const width = 2 ** octave;
      for (const step of [0, 1, 31, 63]) {
        const histogram = new Histogram();
        const least = foot + step * width;
        histogram.record(least);
        histogram.record(least + width * 0.999);
        expect(histogram.snapshot().buckets).toEqual([[64 * (octave + 1) + step, 2]]);
      }
    }
  });

  test("merging equals recording everything in one", () => {
    const samples = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { maxLength: 100 });
    fc.assert(
      fc.property(samples, samples, (left, right) => {
        const merged = new Histogram();
        const other = new Histogram();
        const whole = new Histogram();
        for (const value of left) merged.record(value);
        for (const value of right) other.record(value);
        for (const value of [...left, ...right]) whole.record(value);
        merged.merge(other);
        expect(merged.snapshot()).toEqual(whole.snapshot());
      }),
    );
  });

  test("a snapshot survives JSON", () => {
    const histogram = new Histogram();
    for (const value of [0, 63, 64, 1_000, 5 * SECOND, 300 * SECOND]) histogram.record(value, 3);
    const copy = Histogram.fromSnapshot(JSON.parse(JSON.stringify(histogram.snapshot())));
    expect(copy.snapshot()).toEqual(histogram.snapshot());
    expect(copy.quantile(0.5)).toBe(histogram.quantile(0.5));
    copy.record(7);
    expect(copy.min).toBe(0);
  });

  test("a snapshot of nothing does not invent a least sample", () => {
    const copy = Histogram.fromSnapshot(new Histogram().snapshot());
    copy.record(7);
    expect(copy.min).toBe(7);
  });

  test("refuses a snapshot with a bucket that cannot exist", () => {
    const snapshot = { count: 1, sum: 1, min: 1, max: 1, buckets: [[1e6, 1]] as const };
    expect(() => Histogram.fromSnapshot(snapshot)).toThrow(RangeError);
  });

  test("counts a negative duration as zero and an endless one in the last bucket", () => {
    const histogram = new Histogram();
    histogram.record(-5);
    histogram.record(10_000 * SECOND);
    expect(histogram.count).toBe(2);
    expect(histogram.min).toBe(0);
    expect(histogram.quantile(1)).toBe(10_000 * SECOND);
    expect(histogram.quantile(0.5)).toBe(0);
  });

  test("cumulative counts rise with the bound and reach the count", () => {
    const histogram = new Histogram();
    for (const value of [10_000, 50_000, 2_500_000, SECOND]) histogram.record(value);
    expect(histogram.countAtOrBelow(9_000)).toBe(0);
    expect(histogram.countAtOrBelow(51_000)).toBe(2);
    expect(histogram.countAtOrBelow(2_600_000)).toBe(3);
    expect(histogram.countAtOrBelow(Number.POSITIVE_INFINITY)).toBe(4);
  });

  test("forgets everything on reset", () => {
    const histogram = new Histogram();
    histogram.record(9);
    histogram.reset();
    expect(histogram.snapshot()).toEqual(new Histogram().snapshot());
  });
});
