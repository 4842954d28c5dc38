import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PointChange } from "../analysis-baseline.ts";
import type { ComparisonResult } from "../comparison-result.ts";
import { ComparisonFormatError, parseComparison } from "../comparison-schema.ts";
import { reportPage } from "./page.ts";
import { type PageAssets, readPageAssets } from "./page-assets.ts";

export const REPORT_JSON = "report.json";
export const REPORT_HTML = "report.html";

/**
 * Writes `report.json` (the whole result, as docs/report.schema.json describes it) and `report.html`
 * into a directory, which is made when it is absent. Resolves with their paths.
 */
export async function writeReport(
  result: ComparisonResult,
  directory: string,
  changes: readonly PointChange[] | null = null,
  assets?: PageAssets,
): Promise<readonly [json: string, html: string]> {
  const page = reportPage(result, assets ?? (await readPageAssets()), changes);
  const [json, html] = [join(directory, REPORT_JSON), join(directory, REPORT_HTML)];
  await mkdir(directory, { recursive: true });
  await writeFile(json, `${JSON.stringify(result)}\n`);
  await writeFile(html, page);
  return [json, html];
}

/**
 * Reads a `report.json`, by its path or by that of its directory. Rejects with the system's error
 * when it cannot be read and with {@link ComparisonFormatError} when it is no result.
 */
export async function readReport(path: string): Promise<ComparisonResult> {
  const file = path.endsWith(".json") ? path : join(path, REPORT_JSON);
  const text = await readFile(file, "utf8");
  return parseComparison(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ComparisonFormatError([`not JSON: ${message}`]);
  }
}
