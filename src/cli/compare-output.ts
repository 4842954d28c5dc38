import { changesSince, type PointChange } from "../compare/analysis-baseline.ts";
import type { ComparisonResult } from "../compare/comparison-result.ts";
import { formatChanges } from "../compare/report/changes-text.ts";
import { writeReport } from "../compare/report/report-files.ts";
import { isVoid } from "../compare/report/standing.ts";
import { formatResult } from "../compare/report/terminal.ts";
import { type CliHost, EXIT } from "./host.ts";

/** The numbers of the run mean nothing; the reasons have been printed. */
export const EXIT_VOID = 3;

/** Where a result goes beside the terminal, and what it is held against. */
export interface PresentOptions {
  /** Directory of `report.json` and `report.html`. */
  readonly out?: string | undefined;
  /** An earlier result, read before the run so that a bad path does not cost one. */
  readonly baseline?: ComparisonResult | null;
}

/**
 * Prints a result, what changed since a baseline, and writes the reports. Resolves with the exit
 * code: 3 for a void result. Rejects with `LedgerError` when the baseline was measured under other
 * conditions, after the reports have been written.
 */
export async function presentComparison(
  result: ComparisonResult,
  { out, baseline = null }: PresentOptions,
  host: CliHost,
): Promise<number> {
  host.out.write(formatResult(result));
  let changes: readonly PointChange[] | null = null;
  let refusal: unknown = null;
  if (baseline !== null && !isVoid(result) && !isVoid(baseline)) {
    try {
      changes = changesSince(baseline, result);
      host.out.write(`\n${formatChanges(result, changes)}`);
    } catch (cause) {
      refusal = cause;
    }
  } else if (baseline !== null) {
    host.out.write(
      "\nA void run is not held against a baseline, nor any run against a void one.\n",
    );
  }
  if (out !== undefined) {
    const written = await writeReport(result, out, changes);
    for (const file of written) host.err.write(`${file} written\n`);
  }
  if (refusal !== null) throw refusal;
  return isVoid(result) ? EXIT_VOID : EXIT.ok;
}
