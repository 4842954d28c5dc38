import { DEFAULT_FACTORS, FACTOR_NAMES, type FactorName } from "./plan-factors.ts";
import type { PlanPoint } from "./plan-points.ts";

/** Factors that the runner and its drivers turn into something. */
const HONOURED: ReadonlySet<FactorName> = new Set<FactorName>([
  "payloadBytes",
  "ratePerSecond",
  "plainPollIntervalMs",
]);

/**
 * What the point asks for and the runner does not do. A factor that is ignored in silence makes a
 * result that lies about its conditions, so such a point is refused.
 */
export function unsupported(point: PlanPoint): string[] {
  const problems: string[] = [];
  if (point.experiment.kind !== "delivery") {
    problems.push(`experiment.kind: ${point.experiment.kind} cannot be run yet`);
  }
  for (const name of FACTOR_NAMES) {
    if (HONOURED.has(name) || point[name] === DEFAULT_FACTORS[name]) continue;
    problems.push(`${name}: only ${DEFAULT_FACTORS[name]} can be run yet`);
  }
  return problems;
}
