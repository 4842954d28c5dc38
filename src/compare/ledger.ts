import { FACTOR_NAMES } from "./plan-factors.ts";

/**
 * What a result depends on beside the plan's factors. No host or user name is among them: a ledger
 * is published with its result.
 */
const CIRCUMSTANCES = [
  "experiment",
  "commit",
  "gatewayVersion",
  "mqttEngine",
  "store",
  "nodeVersion",
  "mqttLibraryVersion",
  "webSocketLibraryVersion",
  "kernel",
  "architecture",
  "cpuModel",
  "cores",
  "memoryGiB",
  /** Whether publishers and readers share a process, as they may with fewer than three cores. */
  "publisherAndReaderShareProcess",
  /** Whether the gateway was started by the run or stood before it. */
  "gatewayIsOwn",
  /** Whether both ends read one clock. */
  "oneClock",
] as const;

export type LedgerFactor = (typeof FACTOR_NAMES)[number] | (typeof CIRCUMSTANCES)[number];
export type LedgerValue = string | number | boolean | null;

/** Every factor, in the one order of a ledger. */
export const LEDGER_FACTORS: readonly LedgerFactor[] = [...FACTOR_NAMES, ...CIRCUMSTANCES];

/** One factor and its value; `null` is unknown, which equals nothing known. */
export interface LedgerEntry {
  readonly factor: LedgerFactor;
  readonly value: LedgerValue;
}

/** Every factor of a result, all of them and always in the same order. */
export type Ledger = readonly LedgerEntry[];

/** Builds a ledger; what `values` does not name is unknown. */
export function orderedLedger(
  values: Readonly<Partial<Record<LedgerFactor, LedgerValue>>>,
): Ledger {
  return LEDGER_FACTORS.map((factor) => ({ factor, value: values[factor] ?? null }));
}

/** One factor in which two results differ. */
export interface LedgerDifference {
  readonly factor: LedgerFactor;
  readonly before: LedgerValue;
  readonly after: LedgerValue;
}

/** The factors in which two ledgers differ, in the order of a ledger. */
export function ledgerDifferences(before: Ledger, after: Ledger): LedgerDifference[] {
  const valueIn = (ledger: Ledger, factor: LedgerFactor): LedgerValue =>
    ledger.find((entry) => entry.factor === factor)?.value ?? null;
  return LEDGER_FACTORS.flatMap((factor) => {
    const difference = {
      factor,
      before: valueIn(before, factor),
      after: valueIn(after, factor),
    };
    return difference.before === difference.after ? [] : [difference];
  });
}

/** Two results that may not be compared, with every factor that nobody announced. */
export class LedgerError extends Error {
  readonly differences: readonly LedgerDifference[];

  constructor(differences: readonly LedgerDifference[]) {
    const lines = differences.map(({ factor, before, after }) => `${factor}: ${before} → ${after}`);
    super(`the results differ in what was not announced: ${lines.join("; ")}`);
    this.name = "LedgerError";
    this.differences = differences;
  }
}

/**
 * Refuses to compare results that differ in a factor not `announced`: what a comparison means to
 * vary, such as a sweep's factor, or `commit` against a baseline. Throws {@link LedgerError}.
 */
export function requireComparable(
  before: Ledger,
  after: Ledger,
  announced: readonly LedgerFactor[],
): void {
  const surprises = ledgerDifferences(before, after).filter(
    ({ factor }) => !announced.includes(factor),
  );
  if (surprises.length > 0) throw new LedgerError(surprises);
}
