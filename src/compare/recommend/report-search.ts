import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { REPORT_JSON, readReport } from "../report/report-files.ts";
import type { SourcedReport } from "./coverage.ts";

/** A report that is there and cannot be used. */
export interface UnusableReport {
  readonly source: string;
  readonly cause: unknown;
}

/** Reports lie where `compare --out reports/NAME` puts them: in the folder or one below it. */
export async function findReports(directory: string): Promise<{
  readonly reports: readonly SourcedReport[];
  readonly unusable: readonly UnusableReport[];
}> {
  // No such folder is an answer: nothing was measured yet.
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const files = entries
    .flatMap((entry) => {
      if (entry.isDirectory()) return join(directory, entry.name, REPORT_JSON);
      return entry.name === REPORT_JSON ? join(directory, entry.name) : [];
    })
    .toSorted();
  const reports: SourcedReport[] = [];
  const unusable: UnusableReport[] = [];
  for (const source of files) {
    try {
      reports.push({ source, result: await readReport(source) });
    } catch (cause) {
      if (!isMissing(cause)) unusable.push({ source, cause });
    }
  }
  return { reports, unusable };
}

/** A folder without a report is not one of ours. */
function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
