import { comparisonResult } from "./analysis-result.ts";
import type { ComparisonResult, PointResult } from "./comparison-result.ts";
import type { GatewayUnderTest } from "./gateway-under-test.ts";
import type { LedgerFactor, LedgerValue } from "./ledger.ts";
import { distinctLoads, type Loads } from "./loads.ts";
import type { Plan } from "./plan.ts";
import { type PlanPoint, planPoints, planSeconds, sweptFactor } from "./plan-points.ts";
import { behindNetwork } from "./network-gateway.ts";
import { PointRun } from "./point-run.ts";
import { type Progress, ProgressTrack } from "./progress.ts";

/** What a run is given beside its plan. */
export interface RunParts {
  /** A gateway fit for the point, listening; it is stopped when the point is done. */
  readonly startGateway: (point: PlanPoint) => Promise<GatewayUnderTest>;
  readonly startLoads: () => Loads;
  /** What is known of the host, for the ledger. */
  readonly facts: Readonly<Partial<Record<LedgerFactor, LedgerValue>>>;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Executes a plan, point after point. Rejects when a connection is refused or `signal` ends it. */
export async function runPlan(plan: Plan, parts: RunParts): Promise<ComparisonResult> {
  const startedAt = new Date();
  const { signal, facts } = parts;
  signal.throwIfAborted();
  const progress = new ProgressTrack(planSeconds(plan), parts.onProgress);
  const swept = sweptFactor(plan);
  const loads = parts.startLoads();
  const results: PointResult[] = [];
  try {
    for (const point of planPoints(plan)) {
      const label = swept === null ? "" : `${swept} ${point[swept]}`;
      const startGateway = async (): Promise<GatewayUnderTest> =>
        behindNetwork(await parts.startGateway(point), point);
      const run = new PointRun(point, { startGateway, loads, facts, signal, progress, label });
      results.push(await run.execute());
    }
  } finally {
    await Promise.all(distinctLoads(loads).map((load) => load.stop()));
  }
  return comparisonResult(plan, startedAt, results);
}
