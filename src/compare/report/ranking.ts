import type { PairResult, PointResult } from "../comparison-result.ts";
import type { EgressName, IngressName } from "../plan.ts";
import type { Interval } from "../statistics/interval.ts";
import type { Verdict } from "../statistics/noise-floor.ts";

/** Of a whole table of comparisons, the chance of one false find that is accepted. */
const FAMILY_ERROR = 0.05;

/** What two comparisons of either kind share. */
export interface Row<Name extends string> {
  readonly first: Name;
  readonly second: Name;
  readonly difference: Interval | null;
  readonly share: number | null;
  readonly noiseFloorNs: number | null;
  readonly verdict: Verdict;
  readonly adjustedPValue: number | null;
}

/** One that is measurably slower than the leader. */
export interface Trailing<Name extends string> {
  readonly name: Name;
  /** Behind the leader, message by message. */
  readonly behind: Interval;
}

/** Names at one fixed other side, by what may be said of them. */
export interface Ranking<Name extends string> {
  /** Measurably slower than none, and of those the least median. */
  readonly leader: Name;
  readonly leaderMedian: Interval;
  /** No measurable difference from the leader. */
  readonly level: readonly Name[];
  /** From the nearest to the farthest. */
  readonly trailing: readonly Trailing<Name>[];
  readonly noiseFloorNs: number | null;
}

/**
 * What is stated of a comparison: its verdict, if it also holds among all comparisons of its table.
 * A table of 196 comparisons would otherwise hold a handful of finds that are chance.
 */
export function statedVerdict(row: Pick<Row<string>, "verdict" | "adjustedPValue">): Verdict {
  const holds = row.adjustedPValue !== null && row.adjustedPValue < FAMILY_ERROR;
  return holds ? row.verdict : "no measurable difference";
}

/** Second minus first of what was first minus second. */
export function negated({ estimate, low, high, ...rest }: Interval): Interval {
  return { ...rest, estimate: -estimate, low: -high, high: -low };
}

/** `name` minus `other`; `null` where they were not compared. */
export function differenceFrom<Name extends string>(
  rows: readonly Row<Name>[],
  name: Name,
  other: Name,
): { readonly interval: Interval; readonly verdict: Verdict } | null {
  for (const row of rows) {
    const isForward = row.first === name && row.second === other;
    if (!isForward && !(row.first === other && row.second === name)) continue;
    if (row.difference === null) return null;
    const verdict = statedVerdict(row);
    if (isForward) return { interval: row.difference, verdict };
    return { interval: negated(row.difference), verdict: opposite(verdict) };
  }
  return null;
}

/** The readers of one ingress; `null` for a void point, which ranks nothing. */
export function rankReaders(
  point: PointResult,
  ingress: IngressName,
  isWanted: (egress: EgressName) => boolean = () => true,
): Ranking<EgressName> | null {
  const rows = point.egressComparisons.filter((row) => row.ingress === ingress);
  const pairs = point.pairs.filter((pair) => pair.ingress === ingress && isWanted(pair.egress));
  return point.verdict === "void" ? null : ranking(pairs, ({ egress }) => egress, rows);
}

/** The publishers to one egress; `null` for a void point. */
export function rankPublishers(
  point: PointResult,
  egress: EgressName,
  isWanted: (ingress: IngressName) => boolean = () => true,
): Ranking<IngressName> | null {
  const rows = point.ingressComparisons.filter((row) => row.egress === egress);
  const pairs = point.pairs.filter((pair) => pair.egress === egress && isWanted(pair.ingress));
  return point.verdict === "void" ? null : ranking(pairs, ({ ingress }) => ingress, rows);
}

function ranking<Name extends string>(
  pairs: readonly PairResult[],
  nameOf: (pair: PairResult) => Name,
  rows: readonly Row<Name>[],
): Ranking<Name> | null {
  const entrants = pairs.flatMap((pair) =>
    pair.median === null ? [] : [{ name: nameOf(pair), median: pair.median }],
  );
  const beatenBy = (name: Name): number =>
    entrants.filter((other) => differenceFrom(rows, name, other.name)?.verdict === "higher").length;
  const ordered = entrants
    .map((entrant) => ({ ...entrant, beaten: beatenBy(entrant.name) }))
    .sort((a, b) => a.beaten - b.beaten || a.median.estimate - b.median.estimate);
  const [leader, ...others] = ordered;
  if (leader === undefined) return null;
  const level: Name[] = [];
  const trailing: Trailing<Name>[] = [];
  for (const { name } of others) {
    const found = differenceFrom(rows, name, leader.name);
    if (found?.verdict === "higher") trailing.push({ name, behind: found.interval });
    else level.push(name);
  }
  trailing.sort((a, b) => a.behind.estimate - b.behind.estimate);
  const noiseFloorNs = rows[0]?.noiseFloorNs ?? null;
  return { leader: leader.name, leaderMedian: leader.median, level, trailing, noiseFloorNs };
}

function opposite(verdict: Verdict): Verdict {
  if (verdict === "no measurable difference") return verdict;
  return verdict === "lower" ? "higher" : "lower";
}
