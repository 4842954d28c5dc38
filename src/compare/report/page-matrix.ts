import type { ComparisonResult, PairResult, PointResult } from "../comparison-result.ts";
import { duration, rounded } from "./figures.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { fold, section } from "./page-parts.ts";
import { pointLabel } from "./standing.ts";

/** Steps of the colour scale. */
const HEAT_STEPS = 7;

/** Median latency of every pair, coloured from the fastest to the slowest. */
export function matrixSection(result: ComparisonResult): Markup {
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  return section(
    "matrix",
    "Every pair",
    "Median latency from the intended send time, with half the width of its 95 % interval over blocks, and the 99th percentile beneath. The darker, the slower; one step is the same ratio anywhere.",
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
  const { estimate, low, high } = pair.median;
  const tail = pair.latency.quantiles.p99;
  const content: Content[] = [
    html("strong", {}, duration(estimate)),
    html("span", { class: "half" }, ` ± ${duration((high - low) / 2)}`),
    html("br", {}),
    html("span", { class: "tail" }, tail === null ? "p99: too few" : `p99 ${duration(tail)}`),
  ];
  return html("td", { class: `heat-${step(estimate)}` }, ...content);
}

/** A step of the scale for a value, by the logarithm: 1 to 2 ms differ as 10 to 20 ms do. */
function heatScale(values: readonly number[]): (value: number) => number {
  const above = values.filter((value) => value > 0).map(Math.log);
  const low = Math.min(...above);
  // Less than a quarter between the ends is no scale worth seven colours: noise would be coloured.
  const span = Math.max(Math.max(...above) - low, Math.log(1.25));
  return (value) => {
    if (value <= 0) return 0;
    const share = (Math.log(value) - low) / span;
    return Math.min(HEAT_STEPS - 1, Math.max(0, Math.floor(share * HEAT_STEPS)));
  };
}

/** How many messages each figure of a point stands on. */
export function samplesText(point: PointResult): string {
  const counts = point.pairs.map(({ received }) => received);
  return `${rounded(Math.min(...counts))} to ${rounded(Math.max(...counts))}`;
}
