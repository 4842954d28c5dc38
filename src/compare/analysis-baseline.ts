import type { ComparisonResult, PairResult, PointResult } from "./comparison-result.ts";
import type { LedgerFactor } from "./ledger.ts";
import { type LedgerDifference, ledgerDifferences, requireComparable } from "./ledger.ts";
import type { EgressName, IngressName } from "./plan.ts";
import { FACTOR_NAMES } from "./plan-factors.ts";
import { holmAdjusted, type Interval, welchInterval } from "./statistics/interval.ts";
import { type Verdict, verdictOf } from "./statistics/noise-floor.ts";

/** How one pair changed since a baseline. */
export interface PairChange {
  readonly ingress: IngressName;
  readonly egress: EgressName;
  readonly beforeNs: number;
  readonly afterNs: number;
  /** After minus before, of the median latency. */
  readonly change: Interval;
  readonly share: number;
  /** The greater of both runs' floors at this pair; `null` when one has none. */
  readonly noiseFloorNs: number | null;
  /** `lower` and `higher` are changes beyond noise. */
  readonly verdict: Verdict;
  /** Over all pairs of the point (Holm). */
  readonly adjustedPValue: number;
}

/** How one point changed since a baseline. */
export interface PointChange {
  readonly factors: PointResult["factors"];
  /** What was announced to differ, and does. */
  readonly differences: readonly LedgerDifference[];
  readonly pairs: readonly PairChange[];
}

/** What differs between two versions of the gateway on one machine, and nothing else. */
export const ANNOUNCED_FOR_BASELINE: readonly LedgerFactor[] = ["commit", "gatewayVersion"];

/**
 * What changed since `before` beyond the noise of both runs: Welch's interval over the blocks of
 * each, and the greater noise floor. Points are matched by their factors; pairs that only one run
 * has are left out. Throws `LedgerError` when the results differ in what is not `announced`.
 *
 * A run is one start of the gateway. Compiled code settles in one of several states for the life
 * of a process, which all blocks of a run share; a change of a few per cent wants a second run.
 */
export function changesSince(
  before: ComparisonResult,
  after: ComparisonResult,
  announced: readonly LedgerFactor[] = ANNOUNCED_FOR_BASELINE,
): PointChange[] {
  return after.points.flatMap((point) => {
    const earlier = before.points.find((candidate) => isSamePoint(candidate, point));
    if (earlier === undefined) return [];
    requireComparable(earlier.ledger, point.ledger, announced);
    const changes = point.pairs.flatMap((pair) => {
      const change = pairChange(earlier, point, pair);
      return change === null ? [] : [change];
    });
    const adjusted = holmAdjusted(changes.map(({ change }) => change.pValue));
    return [
      {
        factors: point.factors,
        differences: ledgerDifferences(earlier.ledger, point.ledger),
        pairs: changes.map((change, index) => ({
          ...change,
          adjustedPValue: adjusted[index] ?? 1,
        })),
      },
    ];
  });
}

function isSamePoint(one: PointResult, other: PointResult): boolean {
  return FACTOR_NAMES.every((name) => one.factors[name] === other.factors[name]);
}

function pairChange(
  before: PointResult,
  after: PointResult,
  pair: PairResult,
): Omit<PairChange, "adjustedPValue"> | null {
  const { ingress, egress } = pair;
  const earlier = before.pairs.find(
    (candidate) => candidate.ingress === ingress && candidate.egress === egress,
  );
  if (earlier === undefined) return null;
  const change = welchInterval(earlier.blockMedians, pair.blockMedians);
  if (change === null || earlier.median === null || pair.median === null) return null;
  const floors = [floorAt(before, ingress), floorAt(after, ingress)];
  const known = floors.filter((floor) => floor !== null);
  const noiseFloorNs = known.length < floors.length ? null : Math.max(...known);
  return {
    ingress,
    egress,
    beforeNs: earlier.median.estimate,
    afterNs: pair.median.estimate,
    change,
    share: change.estimate / earlier.median.estimate,
    noiseFloorNs,
    verdict: verdictOf(change, noiseFloorNs),
  };
}

function floorAt(point: PointResult, ingress: IngressName): number | null {
  return point.egressComparisons.find((row) => row.ingress === ingress)?.noiseFloorNs ?? null;
}
