import { expect, test } from "vitest";
import { z } from "zod";
import { changesSince } from "../../src/compare/analysis-baseline.ts";
import { kneesOf } from "../../src/compare/analysis-knees.ts";
import { comparisonResult, pointLedger } from "../../src/compare/analysis-result.ts";
import {
  ComparisonFormatError,
  comparisonSchema,
  parseComparison,
} from "../../src/compare/comparison-schema.ts";
import { LedgerError, type LedgerFactor } from "../../src/compare/ledger.ts";
import { parsePlan } from "../../src/compare/plan.ts";
import { planPoints } from "../../src/compare/plan-points.ts";
import { Normal } from "../support/normal.ts";
import { analyse } from "../support/synthetic-network.ts";

const US = 1_000;

const PLAN = parsePlan(
  `{name: t, warmUpSeconds: 0, windowSeconds: 1, settleSeconds: 1, ratePerSecond: [50, 100, 200],
    ingress: [http], egress: [mqtt, sse], validity: {maxSendDelayMs: 20, maxLoopDelayMs: 30}}`,
  "t",
);

/** A run whose `sse` takes `sseUs`, noisy from block to block, at a commit. */
function run(seed: number, sseUs: number, facts: Partial<Record<LedgerFactor, string>> = {}) {
  const normal = new Normal(seed);
  const points = planPoints(PLAN).map((point) => {
    const blockNoise = new Map<string, number>();
    const analysis = analyse(point, ({ block, reader, dueAtNs }) => {
      const line = `${block.index} ${reader.position}`;
      const noise = blockNoise.get(line) ?? 10 * US * normal.next();
      blockNoise.set(line, noise);
      const own = reader.name === "sse" ? sseUs * US : 200 * US;
      const queue = point.ratePerSecond === 200 ? 2_000 * US : 0;
      const at = dueAtNs + own + queue + noise + 5 * US * normal.next();
      return { sentAtNs: dueAtNs, receivedAtNs: [at] };
    });
    return analysis.result(pointLedger(point, facts));
  });
  return comparisonResult(PLAN, new Date(0), points);
}

test("against a baseline, what changed beyond noise is told and the rest is not", () => {
  const before = run(1, 300, { commit: "a" });
  const changes = changesSince(before, run(2, 390, { commit: "b" }));
  expect(changes).toHaveLength(3);
  for (const { differences, pairs } of changes) {
    expect(differences).toEqual([{ factor: "commit", before: "a", after: "b" }]);
    expect(pairs.map(({ egress, verdict }) => [egress, verdict])).toEqual([
      ["mqtt", "no measurable difference"],
      ["sse", "higher"],
    ]);
    expect(pairs[1]?.change.low).toBeLessThan(90 * US);
    expect(pairs[1]?.change.high).toBeGreaterThan(90 * US);
    expect(pairs[1]?.adjustedPValue).toBeLessThan(0.001);
  }
  expect(changes[0]?.pairs[1]?.share).toBeCloseTo(0.3, 1);
});

test("a baseline under other conditions is refused unless that was announced", () => {
  const [before, after] = [run(1, 300, { kernel: "6.1" }), run(2, 300, { kernel: "6.6" })];
  expect(() => changesSince(before, after)).toThrow(LedgerError);
  expect(() => changesSince(before, after, ["kernel"])).not.toThrow();
});

test("points that the baseline does not have are left out", () => {
  const before = run(1, 300);
  const fewer = { ...before, points: before.points.slice(0, 1) };
  expect(changesSince(fewer, run(2, 300))).toHaveLength(1);
});

test("a rate sweep tells each pair's knee", () => {
  const { knees } = run(1, 300);
  expect(knees.map(({ egress }) => egress)).toEqual(["mqtt", "sse"]);
  expect(knees[0]?.knee).toEqual({ kind: "knee", ratePerSecond: 100 });
});

test("a rate at which most blocks are void lies past the knee", () => {
  const { points } = run(1, 300);
  const broken = points.map((point, index) => ({
    ...point,
    blocks: point.blocks.map((block) => ({
      ...block,
      voidReasons: index === 1 ? ["lost"] : block.voidReasons,
    })),
  }));
  expect(kneesOf(broken)[0]?.knee).toEqual({ kind: "knee", ratePerSecond: 50 });
});

test("a result is read from JSON as it was written", () => {
  const result = run(1, 300, { commit: "a" });
  expect(parseComparison(JSON.parse(JSON.stringify(result)))).toEqual(result);
});

test("what is no result is refused with the paths of its problems", () => {
  expect(() => parseComparison({ format: "tributary-compare/1" })).toThrow(ComparisonFormatError);
  const { points } = run(1, 300);
  const broken = { ...run(1, 300), points: [{ ...points[0], pairs: [{ ingress: "smtp" }] }] };
  expect(() => parseComparison(broken)).toThrow(/points\.0\.pairs\.0\.ingress/);
});

test("the schema of a result can be published as JSON Schema", () => {
  const schema = z.toJSONSchema(comparisonSchema, { io: "input" });
  expect(schema.required).toContain("points");
});

test("points that differ in more than the swept factor are no sweep", () => {
  const { points } = run(1, 300);
  const [other] = run(1, 300, { kernel: "6.6" }).points;
  const mixed = [...points.slice(1), ...(other === undefined ? [] : [other])];
  expect(() => comparisonResult(PLAN, new Date(0), mixed)).toThrow(/kernel/);
});
