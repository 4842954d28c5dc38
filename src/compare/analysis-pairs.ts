import type { DistributionResult, PairCost, PairResult } from "./comparison-result.ts";
import type { EgressName, IngressName } from "./plan.ts";
import type { PairRecord } from "./recorder.ts";
import { meanInterval } from "./statistics/interval.ts";
import { quantilesOf } from "./statistics/quantiles.ts";
import { SignedHistogram } from "./statistics/signed-histogram.ts";
import { stallModes } from "./statistics/stall-modes.ts";

/** One pair's totals over the blocks that stand. */
export class PairTotals {
  readonly ingress: IngressName;
  readonly egress: EgressName;
  readonly #latency = new SignedHistogram();
  readonly #service = new SignedHistogram();
  readonly #blockMedians: number[] = [];
  #expected = 0;
  #received = 0;
  #duplicates = 0;
  #reordered = 0;

  constructor(ingress: IngressName, egress: EgressName) {
    this.ingress = ingress;
    this.egress = egress;
  }

  /** Samples below 0. */
  get belowZero(): number {
    return this.#latency.belowZero;
  }

  /** Adds one block; `median` is that of its latencies, `NaN` when nothing came. */
  add(record: PairRecord, median: number): void {
    this.#latency.merge(record.latency);
    this.#service.merge(record.service);
    this.#expected += record.expected;
    this.#received += record.received;
    this.#duplicates += record.duplicates;
    this.#reordered += record.reordered;
    if (!Number.isNaN(median)) this.#blockMedians.push(median);
  }

  result(cost: PairCost | null = null): PairResult {
    return {
      ingress: this.ingress,
      egress: this.egress,
      expected: this.#expected,
      received: this.#received,
      lost: this.#expected - this.#received,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      latency: distribution(this.#latency),
      service: distribution(this.#service),
      blockMedians: this.#blockMedians,
      median: meanInterval(this.#blockMedians),
      stallModes: stallModes(this.#latency),
      cost,
    };
  }
}

function distribution(histogram: SignedHistogram): DistributionResult {
  return {
    quantiles: quantilesOf(histogram),
    mean: histogram.mean,
    min: histogram.min,
    max: histogram.max,
    histogram: histogram.snapshot(),
  };
}
