import { cpus, release } from "node:os";
import type { HistogramSnapshot } from "../telemetry/histogram.ts";
import type { Pair, RunResult } from "./runner.ts";
import type { SignedHistogram } from "./statistics/signed-histogram.ts";

/** Quantiles of one distribution, nanoseconds, with the histogram they were read from. */
export interface Distribution {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly histogram: HistogramSnapshot;
}

/** One pair in `report.json`. */
export interface PairReport {
  readonly ingress: string;
  readonly egress: string;
  readonly expected: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly reordered: number;
  /** From the intended send time. */
  readonly latencyNs: Distribution;
  /** From the actual send time; never to be read instead of the latency. */
  readonly serviceTimeNs: Distribution;
}

/** The content of `report.json`. */
export interface Report {
  readonly format: "tributary-compare/1";
  readonly startedAt: string;
  readonly host: { readonly node: string; readonly system: string; readonly processors: string };
  readonly plan: RunResult["plan"];
  readonly verdict: "valid" | "void";
  readonly voidReasons: readonly string[];
  readonly firstFailure: string | null;
  readonly condition: RunResult["condition"];
  readonly pairs: readonly PairReport[];
}

/** Everything a run found, in a form that survives JSON. */
export function buildReport(result: RunResult): Report {
  const processors = cpus();
  return {
    format: "tributary-compare/1",
    startedAt: result.startedAt.toISOString(),
    host: {
      node: process.version,
      system: `${process.platform} ${release()}`,
      processors: `${processors.length} × ${processors[0]?.model ?? "unknown"}`,
    },
    plan: result.plan,
    verdict: result.voidReasons.length === 0 ? "valid" : "void",
    voidReasons: result.voidReasons,
    firstFailure: result.firstFailure,
    condition: result.condition,
    pairs: result.pairs.map(pairReport),
  };
}

function pairReport({ ingress, egress, record }: Pair): PairReport {
  const { expected, received, lost, duplicates, reordered } = record;
  return {
    ingress,
    egress,
    expected,
    received,
    lost,
    duplicates,
    reordered,
    latencyNs: distribution(record.latency),
    serviceTimeNs: distribution(record.service),
  };
}

function distribution(histogram: SignedHistogram): Distribution {
  return {
    p50: histogram.quantile(0.5),
    p95: histogram.quantile(0.95),
    p99: histogram.quantile(0.99),
    mean: histogram.mean,
    min: histogram.min,
    max: histogram.max,
    histogram: histogram.snapshot(),
  };
}

const HEADINGS = ["ingress", "egress", "p50 ms", "p95 ms", "p99 ms", "lost", "dup", "reordered"];

/**
 * The report for a person: pairs from the fastest median to the slowest. A void run prints why it is
 * void and no ranking, because somebody would quote it.
 */
export function formatReport(report: Report): string {
  if (report.verdict === "void") {
    const reasons = report.voidReasons.map((reason) => `  ${reason}\n`).join("");
    const cause = report.firstFailure === null ? "" : `  first failure: ${report.firstFailure}\n`;
    return `This run is void and ranks nothing:\n${reasons}${cause}`;
  }
  const rows = [...report.pairs]
    .sort((a, b) => a.latencyNs.p50 - b.latencyNs.p50)
    .map((pair) => [
      pair.ingress,
      pair.egress,
      milliseconds(pair.latencyNs.p50),
      milliseconds(pair.latencyNs.p95),
      milliseconds(pair.latencyNs.p99),
      String(pair.lost),
      String(pair.duplicates),
      String(pair.reordered),
    ]);
  const { plan, condition } = report;
  const samples = report.pairs[0]?.expected ?? 0;
  return (
    `${table([HEADINGS, ...rows])}\n` +
    `Latency is receipt minus intended send time, one clock, ${samples} messages a pair, ` +
    `${plan.payloadBytes} bytes, ${plan.ratePerSecond}/s by each ingress.\n` +
    `The sender was ${milliseconds(condition.sendDelayP99Ns)} ms behind its schedule and the load ` +
    `process's event loop ${milliseconds(condition.loopDelayP99Ns)} ms late (p99).\n`
  );
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
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function milliseconds(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(3);
}
