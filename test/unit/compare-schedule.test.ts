import { expect, test } from "vitest";
import { monotonicNs, pace } from "../../src/compare/pacer.ts";
import { Schedule, type Shot } from "../../src/compare/schedule.ts";

const RUN = { publishers: 3, ratePerSecond: 100, warmUpSeconds: 0.5, windowSeconds: 1 };

test("every publisher keeps its constant rate, out of phase with the others", () => {
  const schedule = new Schedule(RUN);
  const shots = Array.from({ length: schedule.shots }, (_, index) => schedule.shot(index));
  for (const publisher of [0, 1, 2]) {
    const due = shots.filter((shot) => shot.publisher === publisher).map((s) => s.dueAfterNs);
    expect(due).toHaveLength(150);
    for (const [index, at] of due.entries()) {
      expect(Math.abs(at - (due[0] ?? 0) - index * 10_000_000)).toBeLessThanOrEqual(1);
    }
  }
  expect(new Set(shots.map((shot) => shot.dueAfterNs)).size).toBe(shots.length);
});

test("messages come in the order they are due", () => {
  const schedule = new Schedule(RUN);
  for (let index = 1; index < schedule.shots; index += 1) {
    expect(schedule.shot(index).dueAfterNs).toBeGreaterThan(schedule.shot(index - 1).dueAfterNs);
  }
});

test("the window begins after the warm-up", () => {
  const schedule = new Schedule(RUN);
  expect(schedule.windowStart).toBe(50);
  expect(schedule.shotsPerPublisher).toBe(150);
});

test("a sender that blocks is behind its schedule afterwards, and leaves nothing out", async () => {
  const schedule = new Schedule({ ...RUN, publishers: 1, warmUpSeconds: 0, windowSeconds: 0.2 });
  const startNs = monotonicNs();
  const sent: { shot: Shot; lateNs: number }[] = [];
  const send = (shot: Shot): void => {
    sent.push({ shot, lateNs: monotonicNs() - startNs - shot.dueAfterNs });
    if (shot.sequence !== 5) return;
    // Blocks the event loop on purpose: the sender's own stall, 50 ms long.
    const until = monotonicNs() + 50_000_000;
    while (monotonicNs() < until);
  };
  await pace(schedule, startNs, send, new AbortController().signal);
  expect(sent.map(({ shot }) => shot.sequence)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(sent.every(({ lateNs }) => lateNs >= 0)).toBe(true);
  expect(sent[6]?.lateNs).toBeGreaterThan(35_000_000);
});

test("sending stops when the run is aborted", async () => {
  const schedule = new Schedule(RUN);
  const abort = new AbortController();
  const send = (shot: Shot): void => {
    if (shot.sequence === 2) abort.abort(new Error("stop"));
  };
  await expect(pace(schedule, monotonicNs(), send, abort.signal)).rejects.toThrow("stop");
});

test("a send that throws ends the run instead of being swallowed", async () => {
  const schedule = new Schedule(RUN);
  const send = (): void => {
    throw new Error("socket gone");
  };
  const run = pace(schedule, monotonicNs(), send, new AbortController().signal);
  await expect(run).rejects.toThrow("socket gone");
});
