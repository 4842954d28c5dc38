import type { PairResult } from "../comparison-result.ts";
import { byteCount, duration, durationRange, durationWithin, rounded } from "../report/figures.ts";
import { totalOf } from "../report/costed.ts";
import type { Ranking } from "../report/ranking.ts";
import { textTable } from "../report/text-table.ts";
import { visibleText } from "../report/visible-text.ts";
import type { Criterion, Evidence } from "./coverage.ts";
import type { Question } from "./question.ts";
import type { Recommendation } from "./recommend.ts";
import { EGRESS_SEMANTICS, INGRESS_SEMANTICS, type Semantics } from "./semantics.ts";

/** The recommendation for a person: the answer, why, what it promises, and what is not known. */
export function formatRecommendation(question: Question, found: Recommendation): string {
  const parts = [`${opening(found)}\n`];
  if (found.kind === "answered" || found.kind === "provisional") {
    const { choice, readers, publishers } = found;
    parts.push(`\nWhy\n  ${pairText(choice)}\n`);
    if (readers !== null) parts.push(...rankingLines(`read by`, choice.egress, readers));
    if (publishers !== null)
      parts.push(...rankingLines(`published by`, choice.ingress, publishers));
    parts.push(`\nDelivery\n${deliveryText(question, choice)}`);
  }
  if (found.kind !== "unknown") parts.push(`\nMeasured\n${evidenceText(found.evidence)}`);
  parts.push(criteriaText(found.criteria));
  return parts.join("");
}

function opening(found: Recommendation): string {
  if (found.kind === "unknown") return "Not known: no report that stands speaks to this.";
  if (found.kind === "none fits") {
    return "Of what was measured, no pair does what is asked.";
  }
  const { ingress, egress } = found.choice;
  if (found.kind === "answered") return `Publish by ${ingress} and read by ${egress}.`;
  const open = found.criteria.filter(({ isCovered }) => !isCovered).map(({ name }) => name);
  return `Not known yet: nothing measured speaks to ${open.join(", ")}. Without that, the figures point to publishing by ${ingress} and reading by ${egress}.`;
}

function pairText({ ingress, egress, median, latency, cost }: PairResult): string {
  const facts = [median === null ? null : `median ${durationWithin(median)}`];
  const tail = latency.quantiles.p99;
  facts.push(tail === null ? null : `p99 ${duration(tail)}`);
  const bytes = cost?.wireBytes ?? null;
  facts.push(bytes === null ? null : `${byteCount(totalOf(bytes))} on the wire`);
  const cpu = cost?.gatewayCpuMicroseconds ?? null;
  facts.push(cpu === null ? null : `${rounded(cpu)} µs of the gateway's CPU`);
  return `${ingress} → ${egress}: ${facts.filter((fact) => fact !== null).join(", ")}`;
}

/** The others of one side, against the leader: the chosen one may stand level with it. */
function rankingLines(
  side: string,
  chosen: string,
  { leader, level, trailing, noiseFloorNs }: Ranking<string>,
): string[] {
  const floor = noiseFloorNs === null ? "" : ` (noise floor ${duration(noiseFloorNs)})`;
  const equals = [leader, ...level].filter((name) => name !== chosen);
  const isLevel = chosen === leader || level.some((name) => name === chosen);
  const lines: string[] = [];
  if (isLevel && equals.length > 0) {
    lines.push(`  ${side} ${equals.join(", ")}: no measurable difference${floor}\n`);
  } else if (!isLevel) {
    lines.push(`  ${side} ${equals.join(", ")}: faster, but not what is to be least\n`);
  }
  const rows = trailing
    .filter(({ name }) => name !== chosen)
    .map(({ name, behind }) => [
      `  ${side} ${name}`,
      `${duration(behind.estimate)} later than ${leader}`,
      `(95 % interval ${durationRange(behind)})`,
    ]);
  return rows.length === 0 ? lines : [...lines, textTable(rows)];
}

function deliveryText({ need }: Question, { ingress, egress }: PairResult): string {
  const told = (name: string, { how }: Semantics): string => `  ${name}: ${how}\n`;
  const ends = [
    told(`publish by ${ingress}`, INGRESS_SEMANTICS[ingress]),
    told(`read by ${egress}`, EGRESS_SEMANTICS[egress]),
  ];
  if (need !== "exactly-once") return ends.join("");
  return `${ends.join("")}  exactly once holds from end to end by no transport (MQTT's QoS 2 is per hop): at least once, with\n  an idempotency key where it is published and offsets compared where it is read, comes to the same\n`;
}

function evidenceText({ source, result, point }: Evidence): string {
  const { payloadBytes, ratePerSecond, network, tls, fanOut } = point.factors;
  const link = `${network}${tls ? " with TLS" : ""}`;
  const from = visibleText(`${source}: plan ${result.plan.name}, ${result.startedAt}`);
  return `  ${from}\n  ${rounded(payloadBytes)} bytes, ${rounded(ratePerSecond)}/s by each publisher, fan-out ${rounded(fanOut)}, ${link}\n`;
}

function criteriaText(criteria: readonly Criterion[]): string {
  const covered = criteria.filter(({ isCovered }) => isCovered);
  const open = criteria.filter(({ isCovered }) => !isCovered);
  const line = ({ name, meaning }: Criterion): string => `  ${name}: ${visibleText(meaning)}\n`;
  const plans = [...new Set(open.flatMap(({ plan }) => plan ?? []))];
  const runs = plans.map((plan) => `  tributary compare --plan ${plan} --out reports/${plan}\n`);
  const without = open.filter(({ plan }) => plan === null).map(({ name }) => name);
  const own = `\nNo shipped plan speaks to ${without.join(", ")}: copy one of config/plans, set it there, and run that with --plan FILE.\n`;
  return [
    covered.length === 0 ? "" : `\nCovered\n${covered.map(line).join("")}`,
    open.length === 0 ? "" : `\nNot covered\n${open.map(line).join("")}`,
    runs.length === 0 ? "" : `\nTo know, run\n${runs.join("")}`,
    without.length === 0 ? "" : own,
  ].join("");
}
