import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPageAssets } from "../../src/compare/report/page-assets.ts";
import { readReport, writeReport } from "../../src/compare/report/report-files.ts";
import { syntheticComparison, syntheticCost } from "../support/synthetic-comparison.ts";
import { runTributary } from "../support/tributary.ts";

const SCRIPT = new URL("../../dist/compare/report/page/charts.js", import.meta.url);
const result = syntheticComparison({ cost: syntheticCost });
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-recommend-"));
  await writeReport(
    result,
    join(directory, "reports", "headline"),
    null,
    await readPageAssets(SCRIPT),
  );
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const reportAt = (): string => join(directory, "reports", "headline");

test("a report is read as it was written, beside a page that asks nothing of any network", async () => {
  expect(await readReport(reportAt())).toEqual(JSON.parse(JSON.stringify(result)));
  const page = await readFile(join(reportAt(), "report.html"), "utf8");
  expect(page).toContain("default-src &#39;none&#39;");
  expect(page).not.toMatch(/(src|href)="(?!data:,)/);
});

test("an answer comes from the named report, with its figures, and exits with 0", async () => {
  const asked = ["--payload", "200", "--rate", "50", "--report", reportAt()];
  const { code, out } = await runTributary(["recommend", ...asked]);
  expect(code).toBe(0);
  expect(out).toMatch(/^Publish by mqtt-qos1 and read by mqtt\.\n/);
  expect(out).toMatch(/median [\d.]+ ± [\d.]+ µs, p99 [\d.]+ µs, [\d.]+ B on the wire/);
  expect(out).toMatch(/read by sse +[\d.]+ µs later than mqtt +\(95 % interval/);
});

test("reports are found in ./reports, and what none covers is named with its plan", async () => {
  const asked = ["--payload", "200", "--rate", "50", "--loss", "3%", "--need", "at-least-once"];
  const { code, out } = await runTributary(["recommend", ...asked, "--json"], {}, directory);
  expect(code).toBe(3);
  expect(JSON.parse(out)).toMatchObject({
    kind: "provisional",
    plansToRun: ["lossy-network", "reconnect"],
    evidence: { source: join("reports", "headline", "report.json") },
  });
});

test("without reports there is no answer, and the plan to run is named", async () => {
  const { code, out } = await runTributary(["recommend"], {}, tmpdir());
  expect(code).toBe(3);
  expect(out).toContain("tributary compare --plan headline --out reports/headline");
});

test("a named report that is none fails; a wrong question is a wrong command line", async () => {
  const file = join(directory, "broken.json");
  await writeFile(file, "{");
  const broken = await runTributary(["recommend", "--report", file]);
  expect(broken.code).toBe(1);
  expect(broken.err).toContain("broken.json: not a result of a comparison: not JSON");
  const wrong = await runTributary(["recommend", "--loss", "300%"]);
  expect(wrong.code).toBe(64);
  expect(wrong.err).toContain("from 0 to 100");
});
