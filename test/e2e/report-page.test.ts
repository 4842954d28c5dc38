import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ComparisonResult } from "../../src/compare/comparison-result.ts";
import { EGRESS_NAMES, INGRESS_NAMES } from "../../src/compare/plan.ts";
import { reportPage } from "../../src/compare/report/page.ts";
import { readPageAssets } from "../../src/compare/report/page-assets.ts";
import { launchBrowser, type PageWatch, watchPage } from "../support/browser.ts";
import { syntheticComparison, syntheticCost } from "../support/synthetic-comparison.ts";
import { requireTool } from "../support/tools.ts";

/** Pictures are kept where `KEEP_SCREENSHOTS` says, to be looked at; else they go with the rest. */
const KEPT = process.env.KEEP_SCREENSHOTS;
const SCRIPT = new URL("../../dist/compare/report/page/charts.js", import.meta.url);

const HEADLINE = { ingress: INGRESS_NAMES, egress: EGRESS_NAMES, repeatedEgress: "websocket" };

describe.skipIf(requireTool("chromium"))("report.html in a browser", () => {
  let browser: Browser;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-report-"));
    if (KEPT !== undefined) await mkdir(KEPT, { recursive: true });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function open(
    name: string,
    result: ComparisonResult,
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<{ page: Page; watch: PageWatch }> {
    const file = join(KEPT ?? directory, `${name}.html`);
    await writeFile(file, reportPage(result, await readPageAssets(SCRIPT)));
    const page = await browser.newPage({ viewport: { width: 1_280, height: 900 }, ...options });
    const watch = watchPage(page);
    await page.goto(pathToFileURL(file).href);
    return { page, watch };
  }

  const picture = (page: Page, name: string): Promise<Buffer> =>
    page.screenshot({ fullPage: true, path: join(KEPT ?? directory, `${name}.png`) });

  test("a headline is shown without a complaint or a request", async () => {
    const result = syntheticComparison({ plan: HEADLINE, cost: syntheticCost });
    const { page, watch } = await open("headline", result, { colorScheme: "light" });
    expect(await page.locator("canvas").count()).toBe(1);
    await picture(page, "headline-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "headline-dark");
    expect(watch).toEqual({ complaints: [], requests: [] });
    await page.close();
  });
});
