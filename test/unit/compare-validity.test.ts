import { expect, test } from "vitest";
import { Recorder } from "../../src/compare/recorder.ts";
import { blockVoidReasons, resultVoidReasons, voidReasons } from "../../src/compare/validity.ts";
import { planPoint } from "../support/plan-point.ts";

const MS = 1_000_000;
const plan = planPoint({ validity: { maxSendDelayMs: 20, maxLoopDelayMs: 30 } });
const GOOD = {
  sendDelayP99Ns: 20 * MS,
  loopDelayP99Ns: 30 * MS,
  publishFailures: 0,
  firstFailure: null,
};

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

test("a connection that failed voids the run and says of what", () => {
  const reasons = voidReasons(plan, { ...GOOD, firstFailure: "closed with 4900" }, []);
  expect(reasons).toEqual(["a connection failed: closed with 4900"]);
});

const QUIET = { ...GOOD, lateSends: 0, gatewayLoopDelayP99Ns: 50 * MS };

test("a block is void for the gateway's event loop too, where it can be asked", () => {
  expect(blockVoidReasons(plan, QUIET, [])).toEqual([]);
  expect(blockVoidReasons(plan, { ...QUIET, gatewayLoopDelayP99Ns: null }, [])).toEqual([]);
  const late = { ...QUIET, gatewayLoopDelayP99Ns: 51 * MS };
  expect(blockVoidReasons(plan, late, [])).toEqual([expect.stringContaining("51.0 ms late")]);
});

test("where links are broken on purpose, what is lost is a finding and voids nothing", () => {
  const experiment = { kind: "reconnect", fault: "reset", faultsPerBlock: 1 };
  const pairs = [pairThatReceived([0], 2)];
  const refused = { ...QUIET, publishFailures: 3 };
  expect(blockVoidReasons(planPoint({ experiment }), refused, pairs)).toEqual([]);
  expect(blockVoidReasons(plan, refused, pairs)).toHaveLength(2);
  const late = { ...QUIET, sendDelayP99Ns: 21 * MS };
  expect(blockVoidReasons(planPoint({ experiment }), late, pairs)).toHaveLength(1);
});

test("a result stands on 12 blocks, of which a quarter more may be void", () => {
  const good = { valid: 12, void: 4, belowZero: 0, isSettled: true };
  expect(resultVoidReasons(good)).toEqual([]);
  expect(resultVoidReasons({ ...good, isSettled: null })).toEqual([]);
  expect(resultVoidReasons({ ...good, void: 5 })).toHaveLength(1);
  expect(resultVoidReasons({ ...good, valid: 11, void: 0 })).toHaveLength(1);
  expect(resultVoidReasons({ ...good, belowZero: 1, isSettled: false })).toHaveLength(2);
});
