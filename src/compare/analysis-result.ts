import { kneesOf } from "./analysis-knees.ts";
import type { ComparisonResult, PointResult } from "./comparison-result.ts";
import {
  type Ledger,
  type LedgerFactor,
  type LedgerValue,
  orderedLedger,
  requireComparable,
} from "./ledger.ts";
import type { Plan } from "./plan.ts";
import { factorsOf, type PlanPoint, sweptFactor } from "./plan-points.ts";

/** The ledger of one point: its factors from the plan, its circumstances from `facts`. */
export function pointLedger(
  point: PlanPoint,
  facts: Readonly<Partial<Record<LedgerFactor, LedgerValue>>>,
): Ledger {
  return orderedLedger({ ...facts, ...factorsOf(point), experiment: point.experiment.kind });
}

/**
 * The result of a plan from the results of its points, in the plan's order. Throws `LedgerError`
 * when points differ in anything but the swept factor: then they are not a sweep of it.
 */
export function comparisonResult(
  plan: Plan,
  startedAt: Date,
  points: readonly PointResult[],
): ComparisonResult {
  const swept = sweptFactor(plan);
  const [first] = points;
  for (const point of points) {
    if (first !== undefined) {
      requireComparable(first.ledger, point.ledger, swept === null ? [] : [swept]);
    }
  }
  return {
    format: "tributary-comparison/1",
    startedAt: startedAt.toISOString(),
    plan,
    points,
    knees: swept === "ratePerSecond" ? kneesOf(points) : [],
  };
}
