import { type DifferenceRow, DifferenceTable } from "./analysis-differences.ts";
import { PairTotals } from "./analysis-pairs.ts";
import type { Block } from "./block-design.ts";
import type {
  BlockResult,
  ClockResult,
  PairResult,
  PointResult,
  RecoveryResult,
} from "./comparison-result.ts";
import type { CostTable } from "./cost/cost-table.ts";
import type { Ledger } from "./ledger.ts";
import type { EgressName, IngressName } from "./plan.ts";
import { factorsOf, type PlanPoint } from "./plan-points.ts";
import type { PairRecord } from "./recorder.ts";
import { pairedDifferences } from "./statistics/paired.ts";
import { type Stationarity, stationarity } from "./statistics/stationarity.ts";
import { medianInPlace } from "./statistics/summary.ts";
import { type BlockCondition, blockVoidReasons, resultVoidReasons } from "./validity.ts";

/** What one block delivered to the analysis. */
export interface BlockObservation {
  readonly design: Block;
  readonly condition: BlockCondition;
  /** By position of the publisher, then of the reader; a crowd's records may be left out. */
  readonly records: readonly (readonly (PairRecord | undefined)[])[];
}

/** What a run knows beside its blocks. */
export interface PointFindings {
  readonly clock?: ClockResult | null;
  readonly costs?: CostTable;
  readonly recoveries?: readonly RecoveryResult[];
}

/** Median and mean latency of one block at one pair of slots. */
interface BlockLatency {
  readonly median: number;
  readonly mean: number;
}

/**
 * Folds the blocks of one point into its result. Each block's messages are reduced to estimates as
 * it is added, so memory does not grow with the length of a run.
 */
export class PointAnalysis {
  readonly #point: PlanPoint;
  readonly #blocks: BlockResult[] = [];
  readonly #pairs = new Map<string, PairTotals>();
  readonly #readers: DifferenceTable<IngressName, EgressName>;
  readonly #publishers: DifferenceTable<EgressName, IngressName>;
  #warmUp: Stationarity | null = null;

  constructor(point: PlanPoint) {
    this.#point = point;
    this.#readers = new DifferenceTable(point.egress);
    this.#publishers = new DifferenceTable(point.ingress);
    for (const ingress of point.ingress) {
      for (const egress of point.egress) {
        this.#pairs.set(`${ingress} ${egress}`, new PairTotals(ingress, egress));
      }
    }
  }

  /** Blocks that stand so far: a run goes on until it has the plan's number, or too many are void. */
  get validBlocks(): number {
    return this.#blocks.filter(({ voidReasons }) => voidReasons.length === 0).length;
  }

  /**
   * Judges the warm-up by its batches in the order of time: see `warmUpBatches`. A run may warm up
   * further and ask again; the last judgement counts.
   */
  judgeWarmUp(batches: readonly number[]): Stationarity {
    this.#warmUp = stationarity(batches);
    return this.#warmUp;
  }

  /** Adds a block, and says why it is void; a void block is kept for the count and nothing else. */
  add({ design, condition, records }: BlockObservation): readonly string[] {
    const measured = records.flatMap((row) => row.filter((record) => record !== undefined));
    const voidReasons = blockVoidReasons(this.#point, condition, measured);
    this.#blocks.push({ design, condition, voidReasons });
    if (voidReasons.length > 0) return voidReasons;
    const latencies = records.map((row) => row.map((record) => blockLatency(record)));
    this.#addPairs(design, records, latencies);
    this.#compareReaders(design, records);
    this.#comparePublishers(design, latencies);
    return voidReasons;
  }

  /** What the blocks added so far say. */
  result(ledger: Ledger, { clock = null, costs, recoveries }: PointFindings = {}): PointResult {
    const totals = [...this.#pairs.values()];
    const pairs = totals.map((pair) => pair.result(costs?.pair(pair.ingress, pair.egress) ?? null));
    const valid = this.validBlocks;
    const voidReasons = resultVoidReasons({
      valid,
      void: this.#blocks.length - valid,
      belowZero: totals.reduce((sum, pair) => sum + pair.belowZero, 0),
      isSettled: this.#warmUp?.isStationary ?? null,
    });
    const median = medianOf(pairs);
    return {
      factors: factorsOf(this.#point),
      ledger,
      verdict: voidReasons.length === 0 ? "valid" : "void",
      voidReasons,
      warmUp: this.#warmUp,
      blocks: this.#blocks,
      pairs,
      egressComparisons: this.#readers.rows().map((row) => {
        const { fixed: ingress, ...rest } = row;
        return { ingress, ...rest, share: shareOf(row, median(ingress, row.second)) };
      }),
      ingressComparisons: this.#publishers.rows().map((row) => {
        const { fixed: egress, ...rest } = row;
        return { egress, ...rest, share: shareOf(row, median(row.second, egress)) };
      }),
      legs: costs?.legs() ?? [],
      recoveries: recoveries ?? [],
      clock,
    };
  }

  #addPairs(
    { publishers, readers }: Block,
    records: BlockObservation["records"],
    latencies: readonly (readonly (BlockLatency | null)[])[],
  ): void {
    for (const publisher of publishers.filter(({ role }) => role === "measured")) {
      for (const reader of readers.filter(({ role }) => role === "measured")) {
        const record = records[publisher.position]?.[reader.position];
        const latency = latencies[publisher.position]?.[reader.position];
        if (record === undefined) continue;
        const totals = this.#pairs.get(`${publisher.name} ${reader.name}`);
        totals?.add(record, latency?.median ?? Number.NaN);
      }
    }
  }

  #compareReaders({ publishers, readers }: Block, records: BlockObservation["records"]): void {
    for (const publisher of publishers.filter(({ role }) => role === "measured")) {
      const row = records[publisher.position] ?? [];
      this.#readers.add(publisher.name, readers, (first, second) => {
        const one = row[first.position];
        const other = row[second.position];
        if (one === undefined || other === undefined) return null;
        return pairedDifferences(one.latencies, other.latencies);
      });
    }
  }

  #comparePublishers(
    { publishers, readers }: Block,
    latencies: readonly (readonly (BlockLatency | null)[])[],
  ): void {
    for (const reader of readers.filter(({ role }) => role === "measured")) {
      this.#publishers.add(reader.name, publishers, (first, second) => {
        const one = latencies[first.position]?.[reader.position] ?? null;
        const other = latencies[second.position]?.[reader.position] ?? null;
        if (one === null || other === null) return null;
        return { median: one.median - other.median, mean: one.mean - other.mean };
      });
    }
  }
}

function blockLatency(record: PairRecord | undefined): BlockLatency | null {
  if (record === undefined || record.received === 0) return null;
  const came = record.latencies.filter((latency) => !Number.isNaN(latency));
  const total = came.reduce((sum, latency) => sum + latency, 0);
  return { median: medianInPlace(came), mean: total / came.length };
}

/** The median by pair; `null` where there is none. */
function medianOf(pairs: readonly PairResult[]) {
  const medians = new Map(
    pairs.map(({ ingress, egress, median }) => [`${ingress} ${egress}`, median?.estimate ?? null]),
  );
  return (ingress: IngressName, egress: EgressName): number | null =>
    medians.get(`${ingress} ${egress}`) ?? null;
}

function shareOf(row: DifferenceRow<string, string>, median: number | null): number | null {
  if (row.difference === null || median === null || median === 0) return null;
  return row.difference.estimate / median;
}
