import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import { sweptFactor } from "../plan-points.ts";
import { COST_FIGURES, type CostGroup, costGroups, totalOf } from "./costed.ts";
import {
  byteCount,
  duration,
  durationRange,
  durationWithin,
  rounded,
  signedDuration,
} from "./figures.ts";
import { limitsOf } from "./limits.ts";
import { differenceFrom, type Ranking, type Row, rankPublishers, rankReaders } from "./ranking.ts";
import { headlineEgress, headlineIngress, isVoid, latencyMeaning, pointLabel } from "./standing.ts";
import { bandedTable, textTable } from "./text-table.ts";
import { kneeText, verdictSentence } from "./verdict-sentence.ts";
import { visibleText } from "./visible-text.ts";

/**
 * The result for a person at a terminal: the verdict, the matrix, and what the readers and
 * publishers of the headline differ by. A void run prints why, and no ranking, because somebody
 * would quote it.
 */
export function formatResult(result: ComparisonResult): string {
  const lines = [`${visibleText(verdictSentence(result))}\n`];
  if (isVoid(result)) return [...lines, ...voidLines(result)].join("");
  for (const point of result.points) {
    const label = pointLabel(result.plan, point);
    if (label !== null) lines.push(`\n${visibleText(label)}\n`);
    lines.push(point.verdict === "void" ? reasons(point) : `\n${pointText(result, point)}`);
  }
  if (sweptFactor(result.plan) === "ratePerSecond") lines.push(`\n${kneeTable(result)}`);
  lines.push(
    "\nLimits of this run\n",
    ...limitsOf(result).map((limit) => `  ${visibleText(limit)}\n`),
  );
  return lines.join("");
}

function voidLines(result: ComparisonResult): string[] {
  const broken = result.points.filter(({ verdict }) => verdict === "void");
  return broken.map((point) => {
    const label = pointLabel(result.plan, point);
    return `${label === null ? "" : `${visibleText(label)}\n`}${reasons(point)}`;
  });
}

/** The point's reasons, then those of its blocks, the most frequent first, each by one example. */
function reasons(point: PointResult): string {
  const kinds = new Map<string, { example: string; count: number }>();
  for (const example of point.blocks.flatMap(({ voidReasons }) => voidReasons)) {
    // Blocks of one kind of trouble differ in its figures.
    const kind = example.replaceAll(/\d+(\.\d+)?/g, "");
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { example, count: 1 });
    else known.count += 1;
  }
  const ofBlocks = [...kinds.values()]
    .sort((one, other) => other.count - one.count)
    .map(({ example, count }) =>
      count === 1 ? `1 block: ${example}` : `${count} blocks, the first of them: ${example}`,
    );
  return [...point.voidReasons, ...ofBlocks].map((line) => `  ${visibleText(line)}\n`).join("");
}

function pointText(result: ComparisonResult, point: PointResult): string {
  const { plan } = result;
  const ingress = headlineIngress(plan);
  const egress = headlineEgress(plan);
  const readers = rankReaders(point, ingress);
  const publishers = plan.ingress.length > 1 ? rankPublishers(point, egress) : null;
  const readerRows = point.egressComparisons.filter((row) => row.ingress === ingress);
  const publisherRows = point.ingressComparisons.filter((row) => row.egress === egress);
  const hasLatency = point.pairs.some(({ median }) => median !== null);
  const latency = [
    `Median ${latencyMeaning(plan)} ± half its 95 % interval\n`,
    bandedTable(matrix(result, point)),
    readers === null
      ? ""
      : `\n${differences(`Readers of what ${ingress} published`, readers, readerRows)}`,
    publishers === null
      ? ""
      : `\n${differences(`Publishers as ${egress} reads them`, publishers, publisherRows)}`,
    lossText(point),
  ];
  return [...(hasLatency ? latency : []), ...costGroups(point).slice(0, 2).map(costText)].join("");
}

function matrix({ plan }: ComparisonResult, point: PointResult): string[][] {
  const cell = (ingress: string, egress: string): string => {
    const pair = point.pairs.find((each) => each.ingress === ingress && each.egress === egress);
    return pair === undefined || pair.median === null ? "–" : durationWithin(pair.median);
  };
  return [
    ["published by ↓ read by →", ...plan.egress],
    ...plan.ingress.map((ingress) => [
      ingress,
      ...plan.egress.map((egress) => cell(ingress, egress)),
    ]),
  ];
}

/** Everyone against the leader, whether or not they differ. */
function differences<Name extends string>(
  title: string,
  { leader, level, trailing, noiseFloorNs }: Ranking<Name>,
  rows: readonly Row<Name>[],
): string {
  const floor = noiseFloorNs === null ? "none, nothing was repeated" : duration(noiseFloorNs);
  const found = [...level, ...trailing.map(({ name }) => name)].map((name) => {
    const against = differenceFrom(rows, name, leader);
    if (against === null) return [`  ${name} − ${leader}`, "not compared", ""];
    if (against.verdict === "no measurable difference") {
      return [`  ${name} − ${leader}`, "no measurable difference", ""];
    }
    const { interval } = against;
    return [
      `  ${name} − ${leader}`,
      signedDuration(interval.estimate),
      `(${durationRange(interval)})`,
    ];
  });
  return `${title}: difference from ${leader} with its 95 % interval; noise floor ${floor}\n${textTable(found)}`;
}

/** Costs of single ends, or of pairs where the ends are not known; columns nobody was asked for go. */
function costText({ title, members }: CostGroup): string {
  const rows = members.map((member) => [
    `  ${member.name}`,
    member.cost.wireBytes === null ? null : byteCount(totalOf(member.cost.wireBytes)),
    ...COST_FIGURES.map(([, read]) => read(member)),
  ]);
  const headings = ["", "bytes", ...COST_FIGURES.map(([name]) => name)];
  const known = headings.map((_, column) => rows.some((row) => (row[column] ?? null) !== null));
  const shown = [headings, ...rows].map((row) =>
    row.filter((_, column) => known[column]).map((cell) => cell ?? "–"),
  );
  return known.filter(Boolean).length <= 1
    ? ""
    : `\n${title}: cost of a delivered message, or of one connection\n${bandedTable(shown)}`;
}

function lossText({ pairs }: PointResult): string {
  const broken = pairs.filter(
    ({ lost, duplicates, reordered }) => lost + duplicates + reordered > 0,
  );
  if (broken.length === 0) return "\nNothing was lost, repeated or out of order.\n";
  const rows = broken.map(({ ingress, egress, expected, lost, duplicates, reordered }) => [
    `  ${ingress} → ${egress}`,
    `${rounded(lost)} of ${rounded(expected)} lost`,
    `${rounded(duplicates)} twice`,
    `${rounded(reordered)} out of order`,
  ]);
  return `\nNot whole, once and in order\n${textTable(rows)}`;
}

function kneeTable({ plan, knees }: ComparisonResult): string {
  const ingress = headlineIngress(plan);
  const rows = knees
    .filter((knee) => knee.ingress === ingress)
    .map((knee) => [`  ${knee.egress}`, kneeText(knee)]);
  return `Rate at which latency turns upwards, published by ${ingress}\n${textTable(rows)}`;
}
