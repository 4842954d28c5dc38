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
import { visibleText } from "../../src/compare/report/visible-text.ts";
import { launchBrowser, type PageWatch, watchPage } from "../support/browser.ts";
import {
  syntheticComparison,
  syntheticCost,
  syntheticLegs,
} from "../support/synthetic-comparison.ts";
import { requireTool } from "../support/tools.ts";

/** Pictures are kept where `KEEP_SCREENSHOTS` says, to be looked at; else they go with the rest. */
const KEPT = process.env.KEEP_SCREENSHOTS;
const SCRIPT = new URL("../../dist/compare/report/page/charts.js", import.meta.url);

const HEADLINE = { ingress: INGRESS_NAMES, egress: EGRESS_NAMES, repeatedEgress: "websocket" };

const SWEEP = { ingress: ["mqtt-qos1"], windowSeconds: 1 };

const HOSTILE = [
  "<script>globalThis.pwned = 1</script>",
  "</script><script>globalThis.pwned = 1</script>",
  "<img src=x onerror='globalThis.pwned = 1'>",
  '"><svg onload=globalThis.pwned=1>',
  "<!--<script>",
  "</style></title></table><base href=http://127.0.0.1:1/>",
  "javascript:globalThis.pwned=1",
  "\u202egnp.exe\u0000\u001b[31m",
];

/** Texts that steer the code; a file in which they are others is refused before it is shown. */
const KNOWN: ReadonlySet<string> = new Set(["verdict", "kind", "factor"]);

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

  const backgroundOf = (page: Page): Promise<string> =>
    page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
  const SILENT: PageWatch = { complaints: [], requests: [] };

  test("a headline is shown in light and dark without a complaint or a request", async () => {
    const result = syntheticComparison({
      plan: HEADLINE,
      cost: syntheticCost,
      legs: syntheticLegs,
    });
    const { page, watch } = await open("headline", result, { colorScheme: "light" });
    expect(await page.locator(".verdict").textContent()).toContain("95 % interval");
    expect(await page.locator("canvas").count()).toBe(1);
    expect(await backgroundOf(page)).toBe("rgb(255, 255, 255)");
    const light = await picture(page, "headline-light");
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await backgroundOf(page)).not.toBe("rgb(255, 255, 255)");
    expect((await picture(page, "headline-dark")).equals(light)).toBe(false);
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("a line of the chart is hidden by its name, and another publisher is chosen", async () => {
    const { page, watch } = await open("chosen", syntheticComparison());
    const place = page.locator("#percentile-chart");
    const before = await place.locator("canvas").screenshot();
    await place.getByRole("button", { name: "sse" }).click();
    expect(await place.locator("canvas").screenshot()).not.toEqual(before);
    expect(await place.locator('[aria-pressed="false"]').textContent()).toBe("sse");
    await place.getByRole("combobox").selectOption({ label: "published by http" });
    await place.locator(".u-over").hover();
    await expect.poll(() => place.locator(".readout").textContent()).toMatch(/%: mqtt \d/);
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("a rate sweep draws latency against rate with the knee", async () => {
    const result = syntheticComparison({
      plan: { ...SWEEP, ratePerSecond: [100, 200, 400, 800, 1_600] },
      addedUs: ({ ratePerSecond }, _, egress) =>
        ratePerSecond < 800 ? 0 : egress === "sse" ? 3_000 : 400,
      isVoid: ({ ratePerSecond }) => ratePerSecond > 800,
    });
    const { page, watch } = await open("rate-sweep", result);
    expect(await page.locator("#sweep-chart canvas").count()).toBe(1);
    expect(await page.locator("#sweep").textContent()).toContain("at 400/s");
    expect(await page.locator("#void").textContent()).toContain("Points past the knee");
    await picture(page, "rate-sweep");
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("a payload sweep stacks bytes by cause", async () => {
    const plan = { ...SWEEP, payloadBytes: [64, 1_000, 16_000] };
    const { page, watch } = await open(
      "payload-sweep",
      syntheticComparison({ plan, cost: syntheticCost }),
    );
    const first = page.locator("#bytes .bar").first();
    expect(await first.locator("rect").count()).toBe(6);
    await picture(page, "payload-sweep");
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("a plan that breaks connections draws how long readers took to come back", async () => {
    const experiment = { kind: "reconnect", fault: "reset", faultsPerBlock: 3 };
    const reader = { resets: 36, reopened: 36, medianOpenNs: 4e6, worstMessageNs: 9e7 };
    const result = syntheticComparison({
      plan: { experiment },
      recoveries: [
        { ...reader, egress: "mqtt", recovered: 36, medianMessageNs: 2.1e7 },
        { ...reader, egress: "sse", recovered: 35, medianMessageNs: 5.2e7 },
      ],
    });
    const { page, watch } = await open("reconnect", result);
    const text = (await page.locator("#delivery").textContent()) ?? "";
    expect(text).toContain("connections were reset 3 times");
    expect(text).toContain("35 of 36");
    expect(await page.locator("#delivery .bar rect").count()).toBe(2);
    await picture(page, "reconnect");
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("a phone needs no sideways scrolling of the page", async () => {
    const result = syntheticComparison({
      plan: HEADLINE,
      cost: syntheticCost,
      legs: syntheticLegs,
    });
    const { page, watch } = await open("phone", result, { viewport: { width: 360, height: 740 } });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    await picture(page, "phone");
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("print is black on white with everything unfolded, on a dark screen too", async () => {
    const { page, watch } = await open("print", syntheticComparison({ cost: syntheticCost }), {
      colorScheme: "dark",
    });
    await page.emulateMedia({ media: "print" });
    expect(await backgroundOf(page)).toBe("rgb(255, 255, 255)");
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator("details:not([open])").count()).toBe(0);
    await page.pdf({ path: join(KEPT ?? directory, "print.pdf"), format: "A4" });
    await picture(page, "print");
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("a void run says so and shows no latency", async () => {
    const result = syntheticComparison({ isVoid: () => true, cost: syntheticCost });
    const { page, watch } = await open("void", result);
    expect(await page.locator(".verdict").textContent()).toContain("void");
    const text = (await page.locator("main").textContent()) ?? "";
    expect(text).toContain("31.0 ms behind its schedule");
    for (const ranking of ["Every pair", "is faster", "Percentiles"]) {
      expect(text).not.toContain(ranking);
    }
    expect(await page.locator("canvas").count()).toBe(0);
    await picture(page, "void");
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test("the page says the same without scripts", async () => {
    const { page, watch } = await open("no-script", syntheticComparison(), {
      javaScriptEnabled: false,
    });
    expect(await page.locator("#percentiles td").count()).toBeGreaterThan(10);
    expect(await page.locator("#percentile-chart").isVisible()).toBe(false);
    expect(watch).toEqual(SILENT);
    await page.close();
  });

  test.each(HOSTILE)("hostile text is inert in every field: %j", async (text) => {
    const hostile = withEveryText(syntheticComparison({ cost: syntheticCost }), text);
    const { page, watch } = await open("hostile", hostile);
    expect(await page.evaluate("globalThis.pwned")).toBeUndefined();
    expect(await page.locator("img, iframe, object, body script[src], base, a").count()).toBe(0);
    expect(await page.locator("body script").count()).toBe(3);
    expect(await page.locator(".ledger td").first().textContent()).toBe(visibleText(text));
    expect(watch).toEqual(SILENT);
    await page.close();
  });
});

/** The result with `text` in place of every text of it, the names that the code knows included. */
function withEveryText(result: ComparisonResult, text: string): ComparisonResult {
  const replaced = (value: unknown, key = ""): unknown => {
    if (key === "value" || (typeof value === "string" && !KNOWN.has(key))) return text;
    if (Array.isArray(value)) return value.map((each) => replaced(each, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, replaced(each, name)]),
    );
  };
  return replaced(result) as ComparisonResult;
}
