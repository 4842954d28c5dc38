import { parsePlan } from "../../src/compare/plan.ts";
import { type PlanPoint, planPoints } from "../../src/compare/plan-points.ts";

/** A small plan with one value for every factor; `changes` replace its fields. */
export function planPoint(changes: Readonly<Record<string, unknown>> = {}): PlanPoint {
  const plan = {
    name: "test",
    ingress: ["http"],
    egress: ["sse"],
    warmUpSeconds: 0,
    windowSeconds: 1,
    settleSeconds: 1,
    validity: { maxSendDelayMs: 20, maxLoopDelayMs: 30 },
    ...changes,
  };
  // JSON is YAML.
  const [point] = planPoints(parsePlan(JSON.stringify(plan), "test"));
  if (point === undefined) throw new Error("a plan has at least one point");
  return point;
}
