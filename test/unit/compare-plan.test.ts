import { expect, test } from "vitest";
import { loadPlan, PlanError, parsePlan } from "../../src/compare/plan.ts";

const GOOD = `
name: tiny
ratePerSecond: 10
payloadBytes: 64
warmUpSeconds: 0
windowSeconds: 1
settleSeconds: 1
plainPollIntervalMs: 50
ingress: [http]
egress: [sse]
validity: { maxSendDelayMs: 5, maxLoopDelayMs: 5 }
`;

test("the shipped smoke plan crosses every ingress with every egress", async () => {
  const plan = await loadPlan("smoke");
  expect(plan.ingress).toHaveLength(7);
  expect(plan.egress).toHaveLength(8);
});

test("names every problem of a plan by its path", () => {
  const text = GOOD.replace("ratePerSecond: 10", "ratePerSecond: -1").replace("[sse]", "[smtp]");
  let thrown: unknown;
  try {
    parsePlan(`${text}\nrepeat: 3\n`, "tiny");
  } catch (cause) {
    thrown = cause;
  }
  expect(thrown).toBeInstanceOf(PlanError);
  const problems = thrown instanceof PlanError ? thrown.problems.join("\n") : "";
  expect(problems).toContain("ratePerSecond:");
  expect(problems).toContain("egress.0:");
  expect(problems).toContain("repeat");
});

test("refuses a plan that names one ingress twice", () => {
  expect(() => parsePlan(GOOD.replace("[http]", "[http, http]"), "tiny")).toThrow(/ingress/);
});

test("refuses text that is not YAML", () => {
  expect(() => parsePlan("a: [", "broken")).toThrow(PlanError);
});

test("says which plan does not exist", async () => {
  await expect(loadPlan("nightly")).rejects.toThrow(/nightly.*no shipped plan/);
  await expect(loadPlan("./none.yaml")).rejects.toThrow(/cannot be read/);
});
