import { expect, test } from "vitest";
import { DeliveryLog } from "../../src/compare/semantics/delivery-log.ts";

/** Message n is sent at n × 10 ns; all are acknowledged, unless said otherwise. */
function published(count: number, unacknowledged: readonly number[] = []) {
  const sequences = Array.from({ length: count }, (_, sequence) => sequence);
  return {
    sentNs: sequences.map((sequence) => sequence * 10),
    acknowledged: new Set(sequences.filter((sequence) => !unacknowledged.includes(sequence))),
  };
}

/** Messages as they came, each `[sequence, connection]`, 3 ns after their sending or at `at`. */
function received(...deliveries: readonly (readonly [number, number, number?])[]): DeliveryLog {
  const log = new DeliveryLog();
  for (const [sequence, connection, at] of deliveries) {
    log.add({ sequence, connection, receivedNs: at ?? sequence * 10 + 3 });
  }
  return log;
}

const ONCE = { openedNs: [0], faults: [] };
/** Broken at 24 to 25; back at 55. */
const BROKEN = {
  openedNs: [0, 55],
  faults: [{ fromNs: 24, doneNs: 25 }],
};

test("everything once and in order is nothing to tell", () => {
  const log = received([0, 0], [1, 0], [2, 0]);
  expect(log.findings(published(3), ONCE)).toEqual({
    expected: 3,
    received: 3,
    lost: 0,
    lostWhileAway: 0,
    duplicates: 0,
    reordered: 0,
    recovered: 0,
    recoveryNs: [],
    neverBack: 0,
  });
});

test("what is missed while away is lost, and explained", () => {
  const log = received([0, 0], [1, 0], [2, 0], [6, 1], [7, 1]);
  expect(log.findings(published(8), BROKEN)).toMatchObject({
    lost: 3,
    lostWhileAway: 3,
    recovered: 0,
    recoveryNs: [63 - 24],
  });
});

test("what is missed on a connection that stood is lost, and not explained", () => {
  const log = received([0, 0], [2, 0], [6, 1], [8, 1]);
  expect(log.findings(published(9), BROKEN)).toMatchObject({ lost: 5, lostWhileAway: 3 });
});

test("what was published while away and comes after all is recovered", () => {
  const log = received([0, 0], [1, 0], [2, 1, 60], [3, 1, 61], [4, 1, 61], [5, 1, 62], [6, 1]);
  expect(log.findings(published(7), BROKEN)).toMatchObject({
    lost: 0,
    lostWhileAway: 0,
    recovered: 4,
    recoveryNs: [61 - 24],
  });
});

test("second copies and late ones are counted as such", () => {
  const log = received([0, 0], [1, 0], [1, 1, 60], [3, 1, 61], [2, 1, 62]);
  expect(log.findings(published(4), BROKEN)).toMatchObject({
    lost: 0,
    duplicates: 1,
    reordered: 1,
  });
});

test("what was never acknowledged is nobody's promise, whether it comes or not", () => {
  const log = received([0, 0], [1, 0], [3, 0]);
  const findings = log.findings(published(5, [1, 4]), ONCE);
  expect(findings).toMatchObject({ expected: 3, received: 2, lost: 1, reordered: 0 });
});

test("a reader that never comes back has lost what came then, and is told as such", () => {
  const log = received([0, 0], [1, 0]);
  const gone = { openedNs: [0], faults: [{ fromNs: 14, doneNs: 15 }] };
  expect(log.findings(published(5), gone)).toMatchObject({
    lost: 3,
    lostWhileAway: 3,
    neverBack: 1,
    recoveryNs: [],
  });
});
