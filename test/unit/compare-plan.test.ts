import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  loadPlan,
  MIN_BLOCKS,
  PlanError,
  parsePlan,
  SHIPPED_PLANS,
} from "../../src/compare/plan.ts";
import { DEFAULT_FACTORS, FACTOR_NAMES, FACTOR_SCHEMAS } from "../../src/compare/plan-factors.ts";
import { factorsOf, planPoints, planSeconds, sweptFactor } from "../../src/compare/plan-points.ts";
import { unsupported } from "../../src/compare/plan-support.ts";

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

test("the shipped plans are those of config/plans, all valid, named by their file, with intervals", async () => {
  const files = await readdir(new URL("../../config/plans/", import.meta.url));
  expect(files.toSorted()).toEqual(SHIPPED_PLANS.map((name) => `${name}.yaml`).toSorted());
  for (const name of SHIPPED_PLANS) {
    const plan = await loadPlan(name);
    expect(plan.name).toBe(name);
    expect(plan.meaning).not.toBe("");
    expect(plan.blocks).toBeGreaterThanOrEqual(MIN_BLOCKS);
    expect(planPoints(plan).length).toBeGreaterThan(0);
  }
});

test("smoke takes 15 seconds and headline five minutes", async () => {
  expect(planSeconds(await loadPlan("smoke"))).toBeCloseTo(15, -0.5);
  expect(planSeconds(await loadPlan("headline")) / 60).toBeCloseTo(5, 0);
});

test("both plans that need no proxy and no certificate can be run today", async () => {
  for (const name of ["smoke", "headline"]) {
    expect(planPoints(await loadPlan(name)).flatMap(unsupported)).toEqual([]);
  }
});

test("what a plan leaves out has a stated default, and every factor has a schema", () => {
  const { ratePerSecond: _, payloadBytes: __, plainPollIntervalMs: ___, ...rest } = DEFAULT_FACTORS;
  const [point] = planPoints(parsePlan(GOOD, "tiny"));
  expect(point).toMatchObject({ ...rest, ratePerSecond: 10, experiment: { kind: "delivery" } });
  expect(FACTOR_NAMES.toSorted()).toEqual(Object.keys(FACTOR_SCHEMAS).toSorted());
});

test("a list on one factor is a sweep of one point per value, in its order", () => {
  const plan = parsePlan(`${GOOD}network: [loopback, 3g, satellite]\n`, "tiny");
  expect(sweptFactor(plan)).toBe("network");
  const points = planPoints(plan);
  expect(points.map(({ network }) => network)).toEqual(["loopback", "3g", "satellite"]);
  expect(points.map(factorsOf)[1]).toEqual({
    ...DEFAULT_FACTORS,
    ratePerSecond: 10,
    payloadBytes: 64,
    plainPollIntervalMs: 50,
    network: "3g",
  });
});

/** The problems of a plan. */
function problemsOf(text: string): readonly string[] {
  try {
    parsePlan(text, "tiny");
  } catch (cause) {
    if (cause instanceof PlanError) return cause.problems;
    throw cause;
  }
  return [];
}

test("problems of fields, of values in a sweep and between fields are told at once", () => {
  const text = GOOD.replace("windowSeconds: 1", "windowSeconds: 0")
    .replace("payloadBytes: 64", "payloadBytes: [64, 1]")
    .replace("maxSendDelayMs: 5", "maxSendDelayMs: 0");
  const extra = "fanOut: [1, 1]\nqos: 3\nrepeatedEgress: poll\nexperiment: {kind: idle}\n";
  const problems = problemsOf(`${text}${extra}`).map((problem) => problem.split(":")[0]);
  expect(problems.toSorted()).toEqual([
    "experiment.connections",
    "fanOut",
    "fanOut",
    "payloadBytes.1",
    "qos",
    "repeatedEgress",
    "validity.maxSendDelayMs",
    "windowSeconds",
  ]);
});

test("refuses more messages in a block than are held for pairing", () => {
  const problems = problemsOf(GOOD.replace("windowSeconds: 1", "windowSeconds: 86400"));
  expect(problems).toEqual([]);
  const swept = GOOD.replace("windowSeconds: 1", "windowSeconds: 500").replace(
    "ratePerSecond: 10",
    "ratePerSecond: [10, 10000]",
  );
  expect(problemsOf(swept)).toEqual([expect.stringMatching(/^windowSeconds: 5000000 messages/)]);
});

test("flags override what the file says, and are checked as it is", () => {
  expect(parsePlan(GOOD, "tiny", { ratePerSecond: 99 }).ratePerSecond).toBe(99);
  expect(() => parsePlan(GOOD, "tiny", { ratePerSecond: -1 })).toThrow(/ratePerSecond/);
});

test("a plan that asks for what the runner would ignore is named by its factors", () => {
  const experiment = "experiment: { kind: reconnect, fault: half-open, faultsPerBlock: 1 }\n";
  const [point] = planPoints(parsePlan(`${GOOD}${experiment}`, "test"));
  const problems = point === undefined ? [] : unsupported(point);
  expect(problems.map((problem) => problem.split(":")[0])).toEqual(["experiment.fault"]);
});

test("refuses a document that is not a plan at all", () => {
  expect(problemsOf("[1, 2]")).toEqual([expect.stringMatching(/^plan: /)]);
  expect(problemsOf("42")).toEqual([expect.stringMatching(/^plan: /)]);
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
