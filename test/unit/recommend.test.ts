import { expect, test } from "vitest";
import type { ComparisonResult, PairResult } from "../../src/compare/comparison-result.ts";
import type { Plan } from "../../src/compare/plan.ts";
import type { SourcedReport } from "../../src/compare/recommend/coverage.ts";
import { advisablePlans } from "../../src/compare/recommend/plan-advice.ts";
import { OPEN_QUESTION, type Question } from "../../src/compare/recommend/question.ts";
import { type Recommendation, recommend } from "../../src/compare/recommend/recommend.ts";
import { recommendationJson } from "../../src/compare/recommend/recommendation-json.ts";
import { formatRecommendation } from "../../src/compare/recommend/recommendation-text.ts";
import { syntheticComparison, syntheticCost } from "../support/synthetic-comparison.ts";

const WIDE = {
  ingress: ["mqtt-qos0", "mqtt-qos1", "http"],
  egress: ["mqtt", "websocket", "sse", "tcp"],
};
const plans: readonly Plan[] = await advisablePlans();
const headline = syntheticComparison({ plan: WIDE });

/** A report whose plan broke connections; `lost` messages of each pair are missing. */
function reconnect(lost: number): ComparisonResult {
  const experiment = { kind: "reconnect", fault: "reset", faultsPerBlock: 3 };
  const result = syntheticComparison({ plan: { ...WIDE, experiment } });
  const short = (pair: PairResult): PairResult => ({ ...pair, lost });
  return {
    ...result,
    points: result.points.map((point) => ({ ...point, pairs: point.pairs.map(short) })),
  };
}

function ask(question: Partial<Question>, ...results: readonly ComparisonResult[]): Recommendation {
  const reports: SourcedReport[] = results.map((result, index) => ({ source: `${index}`, result }));
  return recommend({ ...OPEN_QUESTION, ...question }, reports, plans);
}

function choiceOf(found: Recommendation): string | null {
  if (found.kind !== "answered" && found.kind !== "provisional") return null;
  return `${found.choice.ingress} → ${found.choice.egress}`;
}

function uncovered({ criteria }: Recommendation): [string, string | null][] {
  return criteria.filter(({ isCovered }) => !isCovered).map(({ name, plan }) => [name, plan]);
}

test("without a report nothing is recommended, and the plans to run are named", () => {
  const found = ask({ payloadBytes: 200, ratePerSecond: 1, need: "at-least-once" });
  expect(found.kind).toBe("unknown");
  expect(uncovered(found)).toEqual([
    ["latency", "headline"],
    ["payload", "fan-out"],
    ["rate", "fan-out"],
    ["need", "reconnect"],
  ]);
});

test("the plan to run covers all that was asked at once, where one does", () => {
  const found = ask({ payloadBytes: 200, ratePerSecond: 1, lossShare: 0.03 }, headline);
  expect(uncovered(found)).toContainEqual(["loss", "lossy-network"]);
  expect(uncovered(ask({ payloadBytes: 200, ratePerSecond: 1, lossShare: 0.03 }))).toEqual([
    ["latency", "headline"],
    ["payload", "lossy-network"],
    ["rate", "lossy-network"],
    ["loss", "lossy-network"],
  ]);
});

test("a void report answers nothing", () => {
  expect(ask({}, syntheticComparison({ plan: WIDE, isVoid: () => true })).kind).toBe("unknown");
});

test("the fastest pair is chosen, and who is level with it is told", () => {
  const found = ask({ payloadBytes: 250, ratePerSecond: 20 }, headline);
  expect(found).toMatchObject({ kind: "answered" });
  if (found.kind !== "answered") return;
  expect(["mqtt", "tcp"]).toContain(found.choice.egress);
  expect([found.readers?.leader, ...(found.readers?.level ?? [])].toSorted()).toEqual([
    "mqtt",
    "tcp",
  ]);
  expect(found.readers?.trailing.map(({ name }) => name)).toEqual(["websocket", "sse"]);
});

test("of those that cannot be told apart, the one with the fewest bytes is chosen", () => {
  const counted = syntheticComparison({ plan: WIDE, cost: syntheticCost });
  // Raw TCP sends an envelope of JSON where MQTT sends a few bytes.
  expect(choiceOf(ask({}, counted))).toMatch(/→ mqtt$/);
});

test("at least once rules out what is not acknowledged, and waits for a plan that breaks connections", () => {
  const found = ask({ need: "at-least-once", egress: "mqtt" }, headline);
  expect(found.kind).toBe("provisional");
  expect(choiceOf(found)).toBe("mqtt-qos1 → mqtt");
  expect(uncovered(found)).toEqual([["need", "reconnect"]]);
  expect(ask({ need: "at-least-once" }, headline, reconnect(0)).kind).toBe("answered");
});

test("messages lost with broken connections do not answer at least once", () => {
  const found = ask({ need: "at-least-once" }, headline, reconnect(2));
  expect(found.kind).toBe("provisional");
  expect(found.criteria.find(({ name }) => name === "need")?.meaning).toContain("2 of 1200");
});

test("exactly once is said to hold by no transport", () => {
  const question = { ...OPEN_QUESTION, need: "exactly-once" as const };
  const text = formatRecommendation(question, ask(question, headline, reconnect(0)));
  expect(text).toContain("exactly once holds from end to end by no transport");
});

test.each([
  [{ payloadBytes: 60_000 }, "payload", "payload-sweep"],
  [{ ratePerSecond: 5_000 }, "rate", "rate-sweep"],
  [{ fanOut: 40 }, "fan-out", "fan-out"],
  [{ tls: true }, "tls", "tls"],
  [{ network: "3g" as const }, "network", "lossy-network"],
  [{ lossShare: 0.03 }, "loss", "lossy-network"],
  [{ prefer: "bytes" as const }, "prefer bytes", "headline"],
  [{ lossShare: 0.5 }, "loss", null],
])("what no report covers is named with the plan that would: %j", (question, name, plan) => {
  const found = ask(question, headline);
  expect(found.kind).toBe("provisional");
  expect(uncovered(found)).toEqual([[name, plan]]);
  const text = formatRecommendation({ ...OPEN_QUESTION, ...question }, found);
  expect(text).toMatch(/^Not known yet: nothing measured speaks to /);
  expect(text).toContain(plan === null ? "No shipped plan speaks to" : `--plan ${plan} --out`);
});

test("a lossy network that was measured answers for its loss", () => {
  const lossy = syntheticComparison({
    plan: { ...WIDE, ratePerSecond: 5, windowSeconds: 4, network: ["loopback", "3g"] },
    addedUs: ({ network }, _, egress) => (network === "3g" && egress !== "sse" ? 100_000 : 0),
  });
  const found = ask({ payloadBytes: 200, ratePerSecond: 1, lossShare: 0.03 }, headline, lossy);
  expect(found.kind).toBe("answered");
  expect(choiceOf(found)).toMatch(/→ sse$/);
});

test("the nearest of several points is the evidence", () => {
  const sweep = syntheticComparison({ plan: { ...WIDE, payloadBytes: [64, 1_000, 16_000] } });
  const found = ask({ payloadBytes: 900 }, headline, sweep);
  expect(found.kind).toBe("answered");
  if (found.kind !== "answered") return;
  expect(found.evidence.point.factors.payloadBytes).toBe(1_000);
});

test("a browser is not told to open MQTT or TCP", () => {
  const found = ask({ browser: "both" }, headline);
  expect(choiceOf(found)).toBe("http → websocket");
});

test("a bound on the tail that no pair keeps fits nothing", () => {
  const found = ask({ maxLatencyNs: 1_000 }, headline);
  expect(found.kind).toBe("none fits");
  const text = formatRecommendation(OPEN_QUESTION, found);
  expect(text).toContain("the least measured is");
});

test("the JSON names the choice, its figures and the plans to run, without histograms", () => {
  const question = { ...OPEN_QUESTION, lossShare: 0.03 };
  const json = recommendationJson(question, ask(question, headline));
  expect(json).toMatchObject({
    kind: "provisional",
    plansToRun: ["lossy-network"],
    choice: { median: { low: expect.any(Number), high: expect.any(Number) } },
    evidence: { source: "0", plan: "synthetic" },
  });
  expect(JSON.stringify(json)).not.toContain("buckets");
});

test("a report cannot steer the terminal", () => {
  const hostile = { ...headline, startedAt: "\u001b[2J\nPublish by smoke signals.\n" };
  const text = formatRecommendation(OPEN_QUESTION, ask({}, hostile));
  expect(text).not.toContain("\u001b");
  expect(text).not.toMatch(/^Publish by smoke/m);
});
