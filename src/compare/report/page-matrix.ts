import type { ComparisonResult, PairResult, PointResult } from "../comparison-result.ts";
import { duration, durationWithin } from "./figures.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { fold, section } from "./page-parts.ts";
import { latencyMeaning, pointLabel } from "./standing.ts";

/**
 * The colour scale: how many times the fastest pair's median a step still holds. Finer where the
 * transports lie together than where a poll's interval lies, or all but the polls would be one colour.
 */
const HEAT_RATIOS = [1.1, 1.25, 1.5, 2, 4, 20] as const;

/** Median latency of every pair, coloured from the fastest to the slowest. */
export function matrixSection(result: ComparisonResult): Markup | null {
  const points = result.points.filter(
    ({ verdict, pairs }) => verdict === "valid" && pairs.some(({ median }) => median !== null),
  );
  if (points.length === 0) return null;
  return section(
    "matrix",
    "Every pair",
    `Median ${latencyMeaning(result.plan)}, with half the width of its 95 % interval over blocks, and the 99th percentile beneath. The colour says how many times the fastest pair it takes.`,
    heatKey(),
    points.map((point, index) => {
      const label = pointLabel(result.plan, point);
      return label === null
        ? heatMap(result, point)
        : fold(label, index === 0, heatMap(result, point));
    }),
  );
}

function heatMap({ plan }: ComparisonResult, point: PointResult): Markup {
  const medians = point.pairs.flatMap(({ median }) => (median === null ? [] : median.estimate));
  const step = heatScale(medians);
  const rows = plan.ingress.map((ingress) =>
    html(
      "tr",
      {},
      html("th", { scope: "row" }, ingress),
      plan.egress.map((egress) => {
        const pair = point.pairs.find((each) => each.ingress === ingress && each.egress === egress);
        return heatCell(pair, step);
      }),
    ),
  );
  const caption = "Median latency by publisher (rows) and reader (columns)";
  return html(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    html(
      "table",
      { class: "heat" },
      html("caption", {}, caption),
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          html("th", { scope: "col" }, "published by ↓ read by →"),
          plan.egress.map((egress) => html("th", { scope: "col" }, egress)),
        ),
      ),
      html("tbody", {}, rows),
    ),
  );
}

function heatCell(pair: PairResult | undefined, step: (value: number) => number): Markup {
  if (pair === undefined || pair.median === null) return html("td", { class: "none" }, "–");
  const tail = pair.latency.quantiles.p99;
  const content: Content[] = [
    html("strong", {}, durationWithin(pair.median)),
    html("br", {}),
    html("span", { class: "tail" }, tail === null ? "p99: too few" : `p99 ${duration(tail)}`),
  ];
  return html("td", { class: `heat-${step(pair.median.estimate)}` }, ...content);
}

/** A step of the scale for a value, against the least of all. */
function heatScale(values: readonly number[]): (value: number) => number {
  const least = Math.min(...values.filter((value) => value > 0));
  return (value) => {
    const step = HEAT_RATIOS.findIndex((ratio) => value <= least * ratio);
    return step === -1 ? HEAT_RATIOS.length : step;
  };
}

function heatKey(): Markup {
  const names = [...HEAT_RATIOS.map((ratio) => `to ${ratio} ×`), "more"];
  return html(
    "ul",
    { class: "key", "aria-label": "Colours of the matrix" },
    names.map((name, step) => html("li", {}, html("span", { class: `swatch heat-${step}` }), name)),
  );
}
