import { expect, test } from "vitest";
import { TickClock } from "../../src/telemetry/tick-clock.ts";

test("one reading serves a callback, the next callback gets a later one", async () => {
  const clock = new TickClock();
  const first = clock.now();
  const until = performance.now() + 2;
  while (performance.now() < until);
  expect(clock.now()).toBe(first);
  await Promise.resolve();
  expect(clock.now()).toBeGreaterThanOrEqual(first + 2);
});

test("agrees with the wall clock of the process start, moved on monotonically", () => {
  const before = performance.timeOrigin + performance.now();
  const now = new TickClock().now();
  const after = performance.timeOrigin + performance.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(after);
});
