import { expect, test } from "vitest";
import { changesSince } from "../../src/compare/analysis-baseline.ts";
import type { ComparisonResult, PointResult } from "../../src/compare/comparison-result.ts";
import { formatChanges } from "../../src/compare/report/changes-text.ts";
import {
  byteCount,
  duration,
  durationRange,
  durationWithin,
  signedDuration,
} from "../../src/compare/report/figures.ts";
import { rankReaders } from "../../src/compare/report/ranking.ts";
import { isVoid } from "../../src/compare/report/standing.ts";
import { formatResult } from "../../src/compare/report/terminal.ts";
import { verdictSentence } from "../../src/compare/report/verdict-sentence.ts";
import { visibleText } from "../../src/compare/report/visible-text.ts";
import { syntheticComparison } from "../support/synthetic-comparison.ts";

const FOUR = { egress: ["mqtt", "tcp", "websocket", "sse"], repeatedEgress: "websocket" };

function withPoint(
  result: ComparisonResult,
  change: (point: PointResult) => PointResult,
): ComparisonResult {
  return { ...result, points: result.points.map(change) };
}

test("figures keep three digits and choose their unit", () => {
  expect([duration(950), duration(85_240), duration(999_999), duration(2e9)]).toEqual([
    "950 ns",
    "85.2 µs",
    "1 ms",
    "2 s",
  ]);
  expect([signedDuration(1_500), signedDuration(-1_500), duration(0)]).toEqual([
    "+1.5 µs",
    "−1.5 µs",
    "0 ns",
  ]);
  expect(durationRange({ low: -900, high: 15_000 })).toBe("−0.9 to 15 µs");
  expect(durationWithin({ estimate: 85_000, low: 83_000, high: 87_000 })).toBe("85 ± 2 µs");
  expect([byteCount(262), byteCount(1_300), byteCount(2_100_000)]).toEqual([
    "262 B",
    "1.3 kB",
    "2.1 MB",
  ]);
});

test("text that would steer a terminal or turn a line is shown instead", () => {
  expect(visibleText("a\r\nb\u001b[31m\u202ec\u0000")).toBe("a b\\u{1b}[31m\\u{202e}c\\u{0}");
});

test("the verdict is one sentence that names its interval and who is level", () => {
  const sentence = verdictSentence(syntheticComparison({ plan: FOUR }));
  expect(sentence).toMatch(
    /^Published by mqtt-qos1 at 50\/s with 200-byte payloads over loopback, (mqtt and tcp|tcp and mqtt) deliver first, with no measurable difference from (mqtt|tcp) \(median [\d.]+ µs, 95 % interval .*; noise floor .*\), and the next is websocket [\d.]+ µs later \(95 % interval .*\)\.$/,
  );
});

test("equals have no first place", () => {
  const sentence = verdictSentence(syntheticComparison({ plan: { egress: ["mqtt", "tcp"] } }));
  expect(sentence).toContain("there is no measurable difference between");
});

test("a find that does not hold among all comparisons is not stated", () => {
  const result = withPoint(syntheticComparison({ plan: FOUR }), (point) => ({
    ...point,
    egressComparisons: point.egressComparisons.map((row) => ({ ...row, adjustedPValue: 0.2 })),
  }));
  expect(verdictSentence(result)).toContain("there is no measurable difference between");
});

test("without a noise floor nothing is told apart", () => {
  const result = withPoint(syntheticComparison({ plan: FOUR }), (point) => ({
    ...point,
    egressComparisons: point.egressComparisons.map((row) => ({
      ...row,
      noiseFloorNs: null,
      verdict: "no measurable difference" as const,
    })),
  }));
  expect(verdictSentence(result)).toContain("no floor was measured");
  const [point] = result.points;
  if (point === undefined) throw new Error("a result has a point");
  expect(rankReaders(point, "mqtt-qos1")?.trailing).toEqual([]);
});

test("the terminal report has the verdict, the matrix and the differences from the leader", () => {
  const text = formatResult(syntheticComparison({ plan: FOUR }));
  expect(text).toMatch(/^Published by mqtt-qos1 /);
  expect(text).toMatch(/published by ↓ read by → +mqtt +tcp +websocket +sse\n/);
  expect(text).toMatch(/\nhttp +[\d.]+ ± [\d.]+ µs/);
  expect(text).toMatch(/(tcp − mqtt|mqtt − tcp) +no measurable difference\n/);
  expect(text).toMatch(/sse − (tcp|mqtt) +\+[\d.]+ µs +\([\d.]+ to [\d.]+ µs\)\n/);
  expect(text).toContain("Nothing was lost, repeated or out of order.");
  expect(text).toContain("Limits of this run");
});

test("a void run prints why and no ranking", () => {
  const result = syntheticComparison({ isVoid: () => true });
  expect(isVoid(result)).toBe(true);
  const text = formatResult(result);
  expect(text).toMatch(/^This run is void/);
  expect(text).toContain("12 blocks, the first of them: the sender ran 31.0 ms behind");
  expect(text).not.toMatch(/µs|delivers first|median/);
});

test("a rate sweep past its knee stands; with a hole below what stands it is void", () => {
  const plan = { ratePerSecond: [50, 100, 200], ingress: ["http"], windowSeconds: 1 };
  const past = syntheticComparison({ plan, isVoid: ({ ratePerSecond }) => ratePerSecond === 200 });
  expect(isVoid(past)).toBe(false);
  expect(formatResult(past)).toContain("Rate at which latency turns upwards");
  const hole = syntheticComparison({ plan, isVoid: ({ ratePerSecond }) => ratePerSecond === 50 });
  expect(isVoid(hole)).toBe(true);
  const sweep = { payloadBytes: [64, 1_000], ingress: ["http"], windowSeconds: 1 };
  const short = syntheticComparison({
    plan: sweep,
    isVoid: ({ payloadBytes }) => payloadBytes === 1_000,
  });
  expect(isVoid(short)).toBe(true);
});

test("a sweep says where the first place changes", () => {
  const sentence = verdictSentence(
    syntheticComparison({
      plan: { payloadBytes: [64, 1_000], ingress: ["mqtt-qos1"], windowSeconds: 1 },
      addedUs: ({ payloadBytes }, _, egress) => (payloadBytes > 64 && egress === "mqtt" ? 200 : 0),
    }),
  );
  expect(sentence).toContain("first place by point: 64 bytes: mqtt; 1,000 bytes: websocket");
});

test("against a baseline only what is beyond noise is told as a change", () => {
  const slower = syntheticComparison({
    seed: 7,
    facts: { commit: "fff" },
    addedUs: (_, __, egress) => (egress === "sse" ? 60 : 0),
  });
  const text = formatChanges(slower, changesSince(syntheticComparison(), slower));
  expect(text).toContain("→ fff\n");
  expect(text).toMatch(/mqtt-qos1 → sse +slower +[\d.]+ µs → [\d.]+ µs +\+\d[\d.]* %/);
  expect(text).toContain("4 pairs: no measurable difference");
});
