import { expect, test } from "vitest";
import { Recorder } from "../../src/compare/recorder.ts";
import { Schedule } from "../../src/compare/schedule.ts";

const MS = 1_000_000;

/** One receipt, sent on time and received 1 ms later. */
function receipt(sequence: number, publisher = 0) {
  const intendedAtNs = sequence * 10 * MS;
  return {
    publisher,
    sequence,
    intendedAtNs,
    sentAtNs: intendedAtNs,
    receivedAtNs: intendedAtNs + MS,
  };
}

test("a server that stalls for 1 s shows in latency p99 and not in service time p99", () => {
  // A synthetic server answers in 100 µs but for one stall; its client sends one message at a time,
  // so the stall holds back the sends behind it: coordinated omission as it happens in the wild.
  const schedule = new Schedule({
    publishers: 1,
    ratePerSecond: 1_000,
    warmUpSeconds: 0,
    windowSeconds: 10,
  });
  const recorder = new Recorder(1, 0, schedule.shotsPerPublisher);
  let freeAtNs = 0;
  for (let index = 0; index < schedule.shots; index += 1) {
    const { sequence, dueAfterNs } = schedule.shot(index);
    const sentAtNs = Math.max(dueAfterNs, freeAtNs);
    freeAtNs = sentAtNs + (sequence === 4_000 ? 1_000 * MS : 0.1 * MS);
    recorder.receive({
      publisher: 0,
      sequence,
      intendedAtNs: dueAfterNs,
      sentAtNs,
      receivedAtNs: freeAtNs,
    });
  }
  const { latency, service, lost } = recorder.pair(0);
  expect(lost).toBe(0);
  expect(latency.quantile(0.99)).toBeGreaterThan(850 * MS);
  expect(service.quantile(0.99)).toBeLessThan(0.11 * MS);
  expect(latency.quantile(0.5)).toBeLessThan(0.11 * MS);
});

test("counts what never came as lost", () => {
  const recorder = new Recorder(1, 0, 4);
  for (const sequence of [0, 1, 3]) recorder.receive(receipt(sequence));
  expect(recorder.pair(0)).toMatchObject({ expected: 4, received: 3, lost: 1, duplicates: 0 });
  expect(recorder.missing).toBe(1);
});

test("a second copy is a duplicate and no latency sample", () => {
  const recorder = new Recorder(1, 0, 2);
  for (const sequence of [0, 1, 1]) recorder.receive(receipt(sequence));
  const pair = recorder.pair(0);
  expect(pair).toMatchObject({ received: 2, lost: 0, duplicates: 1 });
  expect(pair.latency.count).toBe(2);
});

test("counts a message that comes after a later one as reordered", () => {
  const recorder = new Recorder(1, 0, 4);
  for (const sequence of [0, 2, 1, 3]) recorder.receive(receipt(sequence));
  expect(recorder.pair(0).reordered).toBe(1);
});

test("messages of the warm-up and of unknown publishers count for nothing", () => {
  const recorder = new Recorder(1, 2, 4);
  for (const sequence of [0, 1, 2, 3, 4]) recorder.receive(receipt(sequence));
  recorder.receive(receipt(2, 7));
  expect(recorder.pair(0)).toMatchObject({ expected: 2, received: 2, duplicates: 0 });
  expect(() => recorder.pair(7)).toThrow(RangeError);
});

test("publishers are counted apart", () => {
  const recorder = new Recorder(2, 0, 1);
  recorder.receive(receipt(0, 1));
  expect(recorder.pair(0).lost).toBe(1);
  expect(recorder.pair(1).lost).toBe(0);
});
