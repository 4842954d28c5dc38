import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import { PROFILES } from "../network/network-profile.ts";
import type { Factors } from "../plan-factors.ts";
import { percent, rounded } from "../report/figures.ts";
import { isVoid } from "../report/standing.ts";
import type { Question } from "./question.ts";

/** A report and where it came from. */
export interface SourcedReport {
  readonly source: string;
  readonly result: ComparisonResult;
}

/** One point that stands, of one report. */
export interface Evidence extends SourcedReport {
  readonly point: PointResult;
}

/** One part of a question, and whether what was measured speaks to it. */
export interface Criterion {
  readonly name: string;
  readonly isCovered: boolean;
  readonly meaning: string;
  /** The plan that would tell; `null` when none of those known would, or it is covered. */
  readonly plan: string | null;
}

/** A payload this many times larger or smaller is taken as alike: half a step of payload-sweep. */
const PAYLOAD_REACH = 2.5;
/** Below the knee nothing queues, so latency hardly depends on the rate: a decade either way. */
const RATE_REACH = 10;
const FAN_OUT_REACH = 3;

/** Loss shows on TCP as waits for what is sent again; how many there are is what varies. */
const LOSS_REACH = 3;

/** The points that can answer for latency and cost: those that stand, where nothing was broken. */
export function evidenceOf(reports: readonly SourcedReport[]): Evidence[] {
  return reports
    .filter(({ result }) => !isVoid(result) && result.plan.experiment.kind === "delivery")
    .flatMap((report) =>
      report.result.points
        .filter(({ verdict }) => verdict === "valid")
        .map((point) => ({ ...report, point })),
    );
}

/** The point that covers most of the question, and of those the nearest; `null` of none. */
export function nearestEvidence(
  question: Question,
  evidence: readonly Evidence[],
): Evidence | null {
  const judged = evidence.map((each) => ({
    each,
    uncovered: factorCriteria(question, each.point.factors).filter(({ isCovered }) => !isCovered)
      .length,
    distance: distance(question, each.point.factors),
  }));
  judged.sort((a, b) => a.uncovered - b.uncovered || a.distance - b.distance);
  return judged[0]?.each ?? null;
}

/** Every asked condition against the conditions of a point. */
export function factorCriteria(question: Question, factors: Factors): Criterion[] {
  return [
    reach("payload", question.payloadBytes, factors.payloadBytes, PAYLOAD_REACH),
    reach("rate", question.ratePerSecond, factors.ratePerSecond, RATE_REACH),
    reach("fan-out", question.fanOut, factors.fanOut, FAN_OUT_REACH),
    network(question, factors),
    tls(question, factors),
    loss(question, factors),
  ].filter((criterion) => criterion !== null);
}

function reach(
  name: string,
  asked: number | null,
  measured: number,
  factor: number,
): Criterion | null {
  if (asked === null) return null;
  const isCovered = Math.max(asked / measured, measured / asked) <= factor;
  const told = `asked ${rounded(asked)}, measured at ${rounded(measured)}`;
  return criterion(name, isCovered, `${told}; alike within ${factor} times`);
}

function network({ network: asked }: Question, { network: measured }: Factors): Criterion | null {
  if (asked === null) return null;
  return criterion("network", asked === measured, `asked ${asked}, measured over ${measured}`);
}

function tls({ tls: asked }: Question, { tls: measured }: Factors): Criterion | null {
  if (asked === null) return null;
  const text = (isOn: boolean): string => (isOn ? "with TLS" : "without TLS");
  return criterion("tls", asked === measured, `asked ${text(asked)}, measured ${text(measured)}`);
}

function loss({ lossShare: asked }: Question, { network: profile }: Factors): Criterion | null {
  if (asked === null) return null;
  const measured = lossOf(profile);
  const isNone = asked === 0 || measured === 0;
  const ratio = isNone ? 1 : Math.max(asked / measured, measured / asked);
  const isCovered = isNone ? asked === measured : ratio <= LOSS_REACH;
  const meaning = `asked ${percent(asked)}, measured at ${percent(measured)} over ${profile}; alike within ${LOSS_REACH} times`;
  return criterion("loss", isCovered, meaning);
}

/** Segments that a profile loses in its worse direction, 0…1. */
function lossOf(profile: Factors["network"]): number {
  if (profile === "loopback") return 0;
  const { up, down } = PROFILES[profile];
  return Math.max(up.loss?.share ?? 0, down.loss?.share ?? 0);
}

/** A criterion without a plan; {@link withPlans} finds one for what is not covered. */
export function criterion(name: string, isCovered: boolean, meaning: string): Criterion {
  return { name, isCovered, meaning, plan: null };
}

function distance(question: Question, factors: Factors): number {
  const apart = (asked: number | null, measured: number): number =>
    asked === null ? 0 : Math.abs(Math.log(asked / measured));
  return (
    apart(question.payloadBytes, factors.payloadBytes) +
    apart(question.ratePerSecond, factors.ratePerSecond) +
    apart(question.fanOut, factors.fanOut)
  );
}
