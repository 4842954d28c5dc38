import type { PairResult, PointResult } from "../comparison-result.ts";
import type { EgressName, IngressName, Plan } from "../plan.ts";
import { duration } from "../report/figures.ts";
import { totalOf } from "../report/costed.ts";
import { type Ranking, rankPublishers, rankReaders } from "../report/ranking.ts";
import {
  type Criterion,
  criterion,
  type Evidence,
  evidenceOf,
  factorCriteria,
  nearestEvidence,
  type SourcedReport,
} from "./coverage.ts";
import { withPlans } from "./plan-advice.ts";
import type { Question } from "./question.ts";
import { egressObstacle, ingressObstacle } from "./semantics.ts";

/** What was found for a question. */
export type Recommendation =
  /** Nothing measured speaks to it. */
  | { readonly kind: "unknown"; readonly criteria: readonly Criterion[] }
  /** What was measured rules out every pair. */
  | {
      readonly kind: "none fits";
      readonly evidence: Evidence;
      readonly criteria: readonly Criterion[];
    }
  /** An answer; a provisional one leaves a criterion uncovered and is no recommendation yet. */
  | {
      readonly kind: "answered" | "provisional";
      readonly evidence: Evidence;
      readonly criteria: readonly Criterion[];
      readonly choice: PairResult;
      readonly readers: Ranking<EgressName> | null;
      readonly publishers: Ranking<IngressName> | null;
    };

/** Answers from the reports and from nothing else. */
export function recommend(
  question: Question,
  reports: readonly SourcedReport[],
  plans: readonly Plan[],
): Recommendation {
  const found = answer(question, reports);
  return { ...found, criteria: withPlans(question, found.criteria, plans) };
}

function answer(question: Question, reports: readonly SourcedReport[]): Recommendation {
  const evidence = nearestEvidence(question, evidenceOf(reports));
  if (evidence === null) return { kind: "unknown", criteria: unmeasured(question) };
  const { point } = evidence;
  const pairs = point.pairs.filter((pair) => isPossible(question, pair));
  const choice = choose(question, point, pairs);
  const conditions = factorCriteria(question, point.factors);
  if (choice === null) {
    const criteria = [...conditions, ...leastTail(question, point)];
    return { kind: "none fits", evidence, criteria };
  }
  const criteria = [
    ...conditions,
    ...latencyCriterion(question, choice),
    ...costCriterion(question, choice),
    ...deliveryCriterion(question, reports, choice),
  ];
  const isWhole = criteria.every(({ isCovered }) => isCovered);
  return {
    kind: isWhole ? "answered" : "provisional",
    evidence,
    criteria,
    choice,
    readers: rankReaders(point, choice.ingress, (name) => isFree(egressObstacle(question, name))),
    publishers: rankPublishers(point, choice.egress, (name) =>
      isFree(ingressObstacle(question, name)),
    ),
  };
}

function isFree(obstacle: string | null): boolean {
  return obstacle === null;
}

/** Whether a pair may be chosen: by what it promises, and by its tail where that was measured. */
function isPossible(question: Question, pair: PairResult): boolean {
  const tail = pair.latency.quantiles.p99;
  const isTooSlow = question.maxLatencyNs !== null && tail !== null && tail > question.maxLatencyNs;
  const isAllowed =
    isFree(ingressObstacle(question, pair.ingress)) &&
    isFree(egressObstacle(question, pair.egress));
  return isAllowed && !isTooSlow && pair.median !== null;
}

function choose(
  question: Question,
  point: PointResult,
  pairs: readonly PairResult[],
): PairResult | null {
  if (question.prefer !== "latency") {
    const costed = pairs.filter((pair) => costOf(question, pair) !== null);
    return leastBy(costed, (pair) => costOf(question, pair)) ?? byLatency(point, pairs);
  }
  return byLatency(point, pairs);
}

/**
 * The publisher first, at the reader of the fastest pair; then the reader, of that publisher. Among
 * those that cannot be told apart by latency, the one with the fewest bytes, where counted.
 */
function byLatency(point: PointResult, pairs: readonly PairResult[]): PairResult | null {
  const reference = leastBy(pairs, ({ median }) => median?.estimate ?? null);
  if (reference === null) return null;
  const publishers = rankPublishers(point, reference.egress, (ingress) =>
    pairs.some((pair) => pair.egress === reference.egress && pair.ingress === ingress),
  );
  const first = publishers === null ? [] : [publishers.leader, ...publishers.level];
  const publisher =
    leastBytes(
      pairs.filter((pair) => pair.egress === reference.egress && first.includes(pair.ingress)),
    ) ?? reference;
  const readers = rankReaders(point, publisher.ingress, (egress) =>
    pairs.some((pair) => pair.ingress === publisher.ingress && pair.egress === egress),
  );
  const best = readers === null ? [] : [readers.leader, ...readers.level];
  const chosen = pairs.filter(
    (pair) => pair.ingress === publisher.ingress && best.includes(pair.egress),
  );
  return leastBytes(chosen) ?? publisher;
}

/** The pair with the fewest bytes; that with the least median where they were not counted. */
function leastBytes(pairs: readonly PairResult[]): PairResult | null {
  const counted = pairs.filter(({ cost }) => (cost?.wireBytes ?? null) !== null);
  if (counted.length < pairs.length)
    return leastBy(pairs, ({ median }) => median?.estimate ?? null);
  return leastBy(pairs, ({ cost }) => totalOf(cost?.wireBytes ?? null));
}

function leastBy(
  pairs: readonly PairResult[],
  read: (pair: PairResult) => number | null,
): PairResult | null {
  let least: PairResult | null = null;
  for (const pair of pairs) {
    const value = read(pair) ?? Number.POSITIVE_INFINITY;
    const best = least === null ? null : (read(least) ?? Number.POSITIVE_INFINITY);
    if (best === null || value < best) least = pair;
  }
  return least;
}

function costOf({ prefer }: Question, { cost }: PairResult): number | null {
  if (prefer === "cpu") return cost?.gatewayCpuMicroseconds ?? null;
  const bytes = cost?.wireBytes ?? null;
  return bytes === null ? null : totalOf(bytes);
}

function latencyCriterion({ maxLatencyNs }: Question, { latency }: PairResult): Criterion[] {
  if (maxLatencyNs === null) return [];
  const tail = latency.quantiles.p99;
  const found = tail === null ? "too few messages to state p99" : `p99 is ${duration(tail)}`;
  const meaning = `asked p99 up to ${duration(maxLatencyNs)}; ${found}`;
  return [criterion("max-latency", tail !== null, meaning)];
}

/** How near the fastest allowed pair comes to what is asked of the tail. */
function leastTail({ maxLatencyNs, ...question }: Question, { pairs }: PointResult): Criterion[] {
  if (maxLatencyNs === null) return [];
  const allowed = pairs.filter((pair) => isPossible({ ...question, maxLatencyNs: null }, pair));
  const tails = allowed.flatMap(({ latency }) => latency.quantiles.p99 ?? []);
  if (tails.length === 0) return [];
  const meaning = `asked p99 up to ${duration(maxLatencyNs)}; the least measured is ${duration(Math.min(...tails))}`;
  return [criterion("max-latency", true, meaning)];
}

function costCriterion(question: Question, pair: PairResult): Criterion[] {
  if (question.prefer === "latency") return [];
  const isCovered = costOf(question, pair) !== null;
  const what = question.prefer === "cpu" ? "CPU time" : "bytes on the wire";
  const meaning = isCovered ? `${what} were measured` : `the report holds no ${what}`;
  return [criterion(`prefer ${question.prefer}`, isCovered, meaning)];
}

/** At least once is a promise about broken connections, which only a plan that breaks some tests. */
function deliveryCriterion(
  { need }: Question,
  reports: readonly SourcedReport[],
  choice: PairResult | null,
): Criterion[] {
  if (need === null || need === "at-most-once") return [];
  const broken = reports
    .filter(({ result }) => result.plan.experiment.kind === "reconnect")
    .flatMap(({ source, result }) =>
      result.points
        .filter(({ verdict }) => verdict === "valid")
        .flatMap(({ pairs }) => pairs.map((pair) => ({ source, pair }))),
    );
  const same = broken.find(
    ({ pair }) => pair.ingress === choice?.ingress && pair.egress === choice.egress,
  );
  const found = same ?? broken.find(({ pair }) => pair.egress === choice?.egress);
  if (found === undefined) {
    const meaning = `asked ${need}; no report broke connections of this pair`;
    return [criterion("need", false, meaning)];
  }
  const { lost, expected, duplicates } = found.pair;
  const meaning = `asked ${need}; with connections broken on purpose ${lost} of ${expected} messages were lost and ${duplicates} came twice (${found.source})`;
  return [criterion("need", lost === 0, meaning)];
}

/** Every asked part of a question that nothing speaks to. */
function unmeasured(question: Question): Criterion[] {
  const asked: readonly (readonly [string, unknown])[] = [
    ["payload", question.payloadBytes],
    ["rate", question.ratePerSecond],
    ["fan-out", question.fanOut],
    ["network", question.network],
    ["loss", question.lossShare],
    ["tls", question.tls],
    ["max-latency", question.maxLatencyNs],
  ];
  const uncovered = asked
    .filter(([, value]) => value !== null)
    .map(([name]) => criterion(name, false, "no report that stands speaks to it"));
  const latency = criterion("latency", false, "no report that stands compares pairs");
  return [latency, ...uncovered, ...deliveryCriterion(question, [], null)];
}
