import { expect, test } from "vitest";
import { parsePlan } from "../../src/compare/plan.ts";
import { Recorder } from "../../src/compare/recorder.ts";
import { voidReasons } from "../../src/compare/validity.ts";

const MS = 1_000_000;
const plan = parsePlan(
  `{name: t, ratePerSecond: 1, payloadBytes: 64, warmUpSeconds: 0, windowSeconds: 1,
    settleSeconds: 1, plainPollIntervalMs: 50, ingress: [http], egress: [sse],
    validity: {maxSendDelayMs: 20, maxLoopDelayMs: 30}}`,
  "t",
);
const GOOD = { sendDelayP99Ns: 20 * MS, loopDelayP99Ns: 30 * MS, publishFailures: 0 };

function pairThatReceived(sequences: readonly number[], expected: number) {
  const recorder = new Recorder(1, 0, expected);
  for (const sequence of sequences) {
    recorder.receive({ publisher: 0, sequence, intendedAtNs: 0, sentAtNs: 0, receivedAtNs: 1 });
  }
  return recorder.pair(0);
}

test("a run at its limits stands", () => {
  expect(voidReasons(plan, GOOD, [pairThatReceived([0, 1], 2)])).toEqual([]);
});

test("lost messages void the run and are counted over all pairs", () => {
  const pairs = [pairThatReceived([0], 2), pairThatReceived([], 2)];
  expect(voidReasons(plan, GOOD, pairs)).toEqual(["3 messages were lost"]);
});

test("a sender behind its schedule voids the run", () => {
  const reasons = voidReasons(plan, { ...GOOD, sendDelayP99Ns: 21 * MS }, []);
  expect(reasons).toEqual([expect.stringContaining("21.0 ms behind its schedule")]);
});

test("a starved event loop voids the run", () => {
  const reasons = voidReasons(plan, { ...GOOD, loopDelayP99Ns: 31 * MS }, []);
  expect(reasons).toEqual([expect.stringContaining("starved")]);
});

test("a refused publish voids the run", () => {
  expect(voidReasons(plan, { ...GOOD, publishFailures: 2 }, [])).toEqual(["2 publishes failed"]);
});
