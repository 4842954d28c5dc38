import type { ComparisonResult, PairKnee, PointResult } from "../comparison-result.ts";
import type { IngressName, Plan } from "../plan.ts";
import { sweptFactor } from "../plan-points.ts";
import { byteCount, duration, durationRange, rounded } from "./figures.ts";
import { type Ranking, rankReaders } from "./ranking.ts";
import { headlineIngress, isVoid, pointLabel } from "./standing.ts";

/** What the result comes to, in one sentence with its uncertainty. A void one ranks nothing. */
export function verdictSentence(result: ComparisonResult): string {
  const { plan, points } = result;
  if (isVoid(result)) return voidSentence(result);
  const standing = points.filter(({ verdict }) => verdict === "valid");
  const [first] = standing;
  if (first === undefined) return voidSentence(result);
  const ingress = headlineIngress(plan);
  const ranking = rankReaders(first, ingress);
  if (ranking === null) return idleSentence(first);
  const opening = `Published by ${ingress} ${conditions(first)}, ${ranked(ranking)}`;
  if (sweptFactor(plan) === "ratePerSecond") return `${opening}; ${knees(result.knees, ingress)}.`;
  if (sweptFactor(plan) !== null) return `${opening}; ${alongTheSweep(plan, standing, ingress)}.`;
  return `${opening}.`;
}

function voidSentence({ points }: ComparisonResult): string {
  const broken = points.filter(({ verdict }) => verdict === "void").length;
  if (points.length <= 1)
    return "This run is void: its numbers mean nothing, and it ranks nothing.";
  return `This run is void at ${broken} of its ${points.length} points, and ranks nothing.`;
}

/** Where nothing was delivered, what a connection that waits costs: a figure of one run each. */
function idleSentence({ legs }: PointResult): string {
  const known = legs.flatMap(({ side, name, idleConnectionBytes }) =>
    side === "ingress" || idleConnectionBytes === null ? [] : [{ name, idleConnectionBytes }],
  );
  known.sort((one, other) => one.idleConnectionBytes - other.idleConnectionBytes);
  const [least, most] = [known[0], known.at(-1)];
  if (least === undefined || most === undefined) return "No reader received enough to be compared.";
  return `A connection that waits takes the least of the gateway's memory by ${least.name} (${byteCount(least.idleConnectionBytes)}) and the most by ${most.name} (${byteCount(most.idleConnectionBytes)}), each measured once and so without an interval.`;
}

function conditions({ factors }: PointResult): string {
  const { payloadBytes, ratePerSecond, network } = factors;
  return `at ${rounded(ratePerSecond)}/s with ${rounded(payloadBytes)}-byte payloads over ${network}`;
}

function ranked({ leader, leaderMedian, level, trailing, noiseFloorNs }: Ranking<string>): string {
  const median = `median ${duration(leaderMedian.estimate)}, 95 % interval ${durationRange(leaderMedian)}`;
  const [next] = trailing;
  const floor =
    noiseFloorNs === null ? "no floor was measured" : `noise floor ${duration(noiseFloorNs)}`;
  if (next === undefined) {
    const others = level.length === 0 ? "no other reader" : list(level);
    return `there is no measurable difference between ${leader} (${median}) and ${others} (${floor})`;
  }
  const later = `${next.name} ${duration(next.behind.estimate)} later (95 % interval ${durationRange(next.behind)})`;
  if (level.length === 0) return `${leader} delivers first (${median}), and the next is ${later}`;
  const first = `${list([leader, ...level])} deliver first, with no measurable difference from ${leader}`;
  return `${first} (${median}; ${floor}), and the next is ${later}`;
}

/** Who leads at each point, neighbours with the same leaders taken together. */
function alongTheSweep(plan: Plan, points: readonly PointResult[], ingress: IngressName): string {
  const runs: { leaders: string; labels: string[] }[] = [];
  for (const point of points) {
    const ranking = rankReaders(point, ingress);
    if (ranking === null) continue;
    const leaders = list([ranking.leader, ...ranking.level].toSorted());
    const label = pointLabel(plan, point) ?? "";
    const last = runs.at(-1);
    if (last?.leaders === leaders) last.labels.push(label);
    else runs.push({ leaders, labels: [label] });
  }
  const [only, ...more] = runs;
  if (only !== undefined && more.length === 0) return "the first place is the same at every point";
  return `first place by point: ${runs.map(({ leaders, labels }) => `${labels.join(", ")}: ${leaders}`).join("; ")}`;
}

function knees(all: readonly PairKnee[], ingress: IngressName): string {
  const told = all
    .filter((knee) => knee.ingress === ingress)
    .map(({ egress, knee }) => `${egress} ${kneeText({ knee })}`);
  return told.length === 0 ? "no knee could be told" : `latency turns upwards: ${told.join(", ")}`;
}

/** `at 1,600/s`, `not up to 6,400/s` or `below 100/s`. */
export function kneeText({ knee }: Pick<PairKnee, "knee">): string {
  if (knee.kind === "knee") return `at ${rounded(knee.ratePerSecond)}/s`;
  if (knee.kind === "not reached") return `not up to ${rounded(knee.upToRatePerSecond)}/s`;
  return `below ${rounded(knee.fromRatePerSecond)}/s`;
}

/** Names as a sentence lists them. */
export function list(names: readonly string[]): string {
  if (names.length <= 1) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
