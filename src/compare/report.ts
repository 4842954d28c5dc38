import type { ComparisonResult, PairResult, PointResult } from "./comparison-result.ts";
import { sweptFactor } from "./plan-points.ts";

const HEADINGS = [
  "ingress",
  "egress",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "lost",
  "dup",
  "reordered",
  "bytes",
  "cpu µs",
] as const;

/** Columns of names; the others are numbers. */
const NAME_COLUMNS = 2;

/** A quantile that the samples are too few for, or a cost that was not measured. */
const UNKNOWN = "–";

/**
 * A result for a person: of each point, the pairs from the fastest median to the slowest. A void
 * point prints why it is void and no ranking, because somebody would quote it.
 */
export function formatComparison(result: ComparisonResult): string {
  const swept = sweptFactor(result.plan);
  return result.points
    .map((point) => {
      const heading = swept === null ? "" : `${swept} ${point.factors[swept]}\n`;
      return `${heading}${formatPoint(result, point)}`;
    })
    .join("\n");
}

function formatPoint({ plan }: ComparisonResult, point: PointResult): string {
  if (point.verdict === "void") {
    const reasons = [...point.voidReasons, ...blockReasons(point)];
    return `This run is void and ranks nothing:\n${reasons.map((each) => `  ${each}\n`).join("")}`;
  }
  const rows = [...point.pairs]
    .sort((a, b) => (a.median?.estimate ?? 0) - (b.median?.estimate ?? 0))
    .map(pairRow);
  const { payloadBytes, ratePerSecond } = point.factors;
  const samples = point.pairs[0]?.expected ?? 0;
  const stands = point.blocks.filter(({ voidReasons }) => voidReasons.length === 0).length;
  return (
    `${table([HEADINGS, ...rows])}\n${latencyMeaning(plan)}, one clock, ${samples} messages a pair ` +
    `in ${stands} of ${point.blocks.length} blocks, ${payloadBytes} bytes, ${ratePerSecond}/s by ` +
    `each ingress.\nBytes are those at the sockets of publisher and reader, for each message; cpu ` +
    `is the gateway's.\n${floorLine(point)}`
  );
}

function latencyMeaning({ experiment }: ComparisonResult["plan"]): string {
  return experiment.kind === "connect"
    ? "Latency is from nothing to the first, retained message"
    : "Latency is receipt minus intended send time";
}

/** What equals differ by here, at most: smaller differences are no differences. */
function floorLine({ egressComparisons }: PointResult): string {
  const floors = egressComparisons.flatMap(({ noiseFloorNs }) => noiseFloorNs ?? []);
  if (floors.length === 0) return "";
  return `Two readers of one transport differ by up to ${milliseconds(Math.max(...floors))} ms here.\n`;
}

/** Each reason of a void block once. */
function blockReasons({ blocks }: PointResult): string[] {
  const first = blocks.find(({ voidReasons }) => voidReasons.length > 0);
  return first === undefined ? [] : [`the first void block: ${first.voidReasons.join("; ")}`];
}

function pairRow({ ingress, egress, latency, lost, duplicates, reordered, cost }: PairResult) {
  const { p50, p95, p99 } = latency.quantiles;
  const wire = cost?.wireBytes ?? null;
  const bytes = wire === null ? null : Object.values(wire).reduce((sum, each) => sum + each, 0);
  const cpu = cost?.gatewayCpuMicroseconds ?? null;
  return [
    ingress,
    egress,
    p50 === null ? UNKNOWN : milliseconds(p50),
    p95 === null ? UNKNOWN : milliseconds(p95),
    p99 === null ? UNKNOWN : milliseconds(p99),
    String(lost),
    String(duplicates),
    String(reordered),
    bytes === null ? UNKNOWN : bytes.toFixed(0),
    cpu === null ? UNKNOWN : cpu.toFixed(0),
  ];
}

/** Names to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < NAME_COLUMNS
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function milliseconds(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(3);
}
