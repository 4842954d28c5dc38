import { expect, test } from "vitest";
import { Health } from "../../src/telemetry/health.ts";

test("is ready until a part says why not, and again once it takes that back", () => {
  const health = new Health();
  expect(health.isReady).toBe(true);
  health.setReason("store", "cannot write");
  health.setReason("drain", "is about to stop");
  expect(health.isReady).toBe(false);
  expect(health.reasons).toEqual([
    { name: "store", text: "cannot write" },
    { name: "drain", text: "is about to stop" },
  ]);
  health.setReason("store", null);
  expect(health.reasons).toEqual([{ name: "drain", text: "is about to stop" }]);
  health.setReason("drain", null);
  expect(health.isReady).toBe(true);
});

test("a part that states another reason replaces its first", () => {
  const health = new Health();
  health.setReason("store", "is slow");
  health.setReason("store", "cannot write");
  expect(health.reasons).toEqual([{ name: "store", text: "cannot write" }]);
});
