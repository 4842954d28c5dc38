import type { PlanPoint } from "./plan-points.ts";

/**
 * What the point asks for and the runner does not do. A factor that is ignored in silence makes a
 * result that lies about its conditions, so such a point is refused.
 */
export function unsupported(point: PlanPoint): string[] {
  const { experiment } = point;
  const problems: string[] = [];
  if (experiment.kind === "reconnect" && experiment.fault !== "reset") {
    problems.push(`experiment.fault: only reset can be run yet, not ${experiment.fault}`);
  }
  return problems;
}
