import { createHash } from "node:crypto";
import type { PointChange } from "../analysis-baseline.ts";
import type { ComparisonResult } from "../comparison-result.ts";
import { limitsOf } from "./limits.ts";
import { type Content, dataElement, html, Markup } from "./markup.ts";
import type { PageAssets } from "./page-assets.ts";
import { changesSection } from "./page-changes.ts";
import { bytesSection, machineSection } from "./page-cost.ts";
import { deliverySection } from "./page-delivery.ts";
import { differencesSection } from "./page-differences.ts";
import { ledgerSection } from "./page-ledger.ts";
import { matrixSection } from "./page-matrix.ts";
import { networkSection } from "./page-network.ts";
import { section } from "./page-parts.ts";
import { percentilesChart, percentilesSection } from "./page-percentiles.ts";
import { pageStyle } from "./page-style.ts";
import { sweepChart, sweepSection } from "./page-sweep.ts";
import { voidSection } from "./page-void.ts";
import { isVoid } from "./standing.ts";
import { verdictSentence } from "./verdict-sentence.ts";

/**
 * `report.html`: one file that asks nothing of any network. Content is written here and complete
 * without scripts; the scripts draw the two line charts. A policy names each script and the style
 * by its hash, so that nothing else could run even if a text of the result became markup.
 */
export function reportPage(
  result: ComparisonResult,
  assets: PageAssets,
  changes: readonly PointChange[] | null = null,
): string {
  const style = `${assets.chartLibraryStyle}\n${pageStyle()}`;
  const charts = [percentilesChart(result), sweepChart(result)].filter((chart) => chart !== null);
  const drawn = isVoid(result) ? [] : charts;
  const scripts = [assets.chartLibrary, assets.chartScript].map(inlineScript);
  const head = html(
    "head",
    {},
    html("meta", { charset: "utf-8" }),
    html("meta", {
      "http-equiv": "Content-Security-Policy",
      content: policy(style, scripts),
    }),
    html("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    html("meta", { name: "color-scheme", content: "light dark" }),
    html("title", {}, `${result.plan.name}: Tributary comparison`),
    // Without one, a browser asks the server of the page for it.
    html("link", { rel: "icon", href: "data:," }),
    Markup.unchecked(`<style>${style}</style>`),
  );
  const body = html(
    "body",
    { class: isVoid(result) ? "void" : "valid" },
    content(result, changes),
    dataElement("chart-data", drawn),
    Markup.unchecked(`<script>${scripts[0]}</script>`),
    Markup.unchecked(`<script type="module">${scripts[1]}</script>`),
  );
  return `<!doctype html>\n${html("html", { lang: "en" }, head, body).text}\n`;
}

function content(result: ComparisonResult, changes: readonly PointChange[] | null): Content[] {
  const stands = !isVoid(result);
  const parts = [
    stands ? null : voidSection(result),
    stands ? changesSection(result, changes) : null,
    ...(stands
      ? [
          matrixSection(result),
          percentilesSection(result),
          differencesSection(result),
          sweepSection(result),
          voidSection(result),
          bytesSection(result),
          machineSection(result),
          deliverySection(result),
        ]
      : []),
    networkSection(result),
    ledgerSection(result),
    limitsSection(result),
  ];
  return [header(result), html("main", {}, parts)];
}

function header(result: ComparisonResult): Markup {
  const { plan, startedAt } = result;
  const about = plan.meaning === "" ? plan.name : `${plan.name}: ${plan.meaning}`;
  return html(
    "header",
    {},
    html("h1", {}, `Tributary comparison, plan ${about}`),
    html("p", { class: "verdict" }, verdictSentence(result)),
    html("p", { class: "meta" }, `Measured ${startedAt}, seed ${plan.seed}.`),
  );
}

function limitsSection(result: ComparisonResult): Markup {
  const limits = limitsOf(result).map((limit) => html("li", {}, limit));
  return section("limits", "Limits of this run", "", html("ul", {}, limits));
}

/** No text of a script may end its element (WHATWG HTML §4.12.1.3). */
function inlineScript(code: string): string {
  return code.replaceAll(/<\/(script)/gi, "<\\/$1").replaceAll("<!--", "<\\!--");
}

function policy(style: string, scripts: readonly string[]): string {
  const hashes = scripts.map(hashSource).join(" ");
  return `default-src 'none'; img-src data:; script-src ${hashes}; style-src ${hashSource(style)}; base-uri 'none'; form-action 'none'`;
}

function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
