import { describe, expect, test } from "vitest";
import { type DirectionProfile, NO_DELAY } from "../../src/compare/network/network-profile.ts";
import { Shaper } from "../../src/compare/network/shaper.ts";

/** Delays of `count` single bytes, one every `everyMs`. */
function delays(profile: DirectionProfile, seed: number, count: number, everyMs: number): number[] {
  const shaper = new Shaper(profile, seed);
  return Array.from({ length: count }, (_, index) => {
    shaper.arrive();
    return shaper.dueMs(index * everyMs, 1) - index * everyMs;
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

describe("latency and bandwidth", () => {
  test("a byte takes the latency, and nothing else where nothing else is asked for", () => {
    expect(delays({ ...NO_DELAY, latencyMs: 20 }, 1, 3, 5)).toEqual([20, 20, 20]);
  });

  test("bytes wait for those before them at the link's rate", () => {
    const shaper = new Shaper({ ...NO_DELAY, latencyMs: 10, bytesPerSecond: 100_000 }, 1);
    expect([1_000, 1_000, 500].map((bytes) => shaper.dueMs(0, bytes))).toEqual([20, 30, 35]);
    // The link is free again: only its own bytes take time.
    expect(shaper.dueMs(1_000, 1_000)).toBe(1_020);
  });
});

describe("jitter", () => {
  const profile = { ...NO_DELAY, latencyMs: 20, jitterMs: 5 };

  test("is exponential with the stated mean: half below 0.69 means, a tenth above 2.3", () => {
    const jitter = delays(profile, 7, 20_000, 1_000).map((delay) => delay - 20);
    expect(Math.min(...jitter)).toBeGreaterThanOrEqual(0);
    expect(mean(jitter)).toBeCloseTo(5, 0);
    expect(quantile(jitter, 0.5)).toBeCloseTo(5 * Math.LN2, 0);
    expect(quantile(jitter, 0.9)).toBeCloseTo(5 * Math.LN10, 0);
  });

  test("follows from the seed alone", () => {
    expect(delays(profile, 7, 50, 100)).toEqual(delays(profile, 7, 50, 100));
    expect(delays(profile, 7, 50, 100)).not.toEqual(delays(profile, 8, 50, 100));
  });

  test("never lets bytes overtake", () => {
    const due = delays({ ...profile, jitterMs: 50 }, 3, 2_000, 1).map((delay, i) => delay + i);
    expect(due).toEqual([...due].sort((a, b) => a - b));
  });
});

describe("loss and stalls", () => {
  test("loss is late by the recovery, at the stated share, and what is behind it waits", () => {
    const profile = { ...NO_DELAY, loss: { share: 0.1, recoveryMs: 300 } };
    const sparse = delays(profile, 5, 20_000, 1_000);
    const late = sparse.filter((delay) => delay === 300).length / sparse.length;
    expect(late).toBeGreaterThan(0.09);
    expect(late).toBeLessThan(0.11);
    expect(sparse.every((delay) => delay === 0 || delay === 300)).toBe(true);
    // Ten messages during one recovery: most wait, though a tenth were lost.
    const dense = delays(profile, 5, 20_000, 30);
    expect(dense.filter((delay) => delay > 0).length / dense.length).toBeGreaterThan(0.4);
  });

  test("a stall ends at once for all that came during it", () => {
    const profile = { ...NO_DELAY, stall: { meanIntervalMs: 1_000, durationMs: 100 } };
    const due = delays(profile, 5, 100_000, 1).map((delay, index) => delay + index);
    const stalled = due.filter((at, index) => at > index).length / due.length;
    // 100 ms of every 1,100.
    expect(stalled).toBeGreaterThan(0.06);
    expect(stalled).toBeLessThan(0.13);
    expect(Math.max(...due.map((at, index) => at - index))).toBeLessThanOrEqual(100);
  });
});
