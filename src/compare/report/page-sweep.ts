import type { ComparisonResult, PairResult, PointResult } from "../comparison-result.ts";
import { EGRESS_NAMES, type IngressName } from "../plan.ts";
import { sweptFactor } from "../plan-points.ts";
import type { Chart, ChartChoice, ChartSeries } from "./chart-data.ts";
import { duration, rounded } from "./figures.ts";
import type { Content, Markup } from "./markup.ts";
import { chartPlace, section, table } from "./page-parts.ts";
import { pointLabel } from "./standing.ts";
import { kneeText } from "./verdict-sentence.ts";

const PLACE = "sweep-chart";

/** Latency against the swept factor, with each pair's knee if that is the rate. */
export function sweepSection(result: ComparisonResult): Markup | null {
  const swept = sweptFactor(result.plan);
  if (swept === null) return null;
  const isRate = swept === "ratePerSecond";
  const isNumber = result.points.every(({ factors }) => typeof factors[swept] === "number");
  return section(
    "sweep",
    isRate ? "Latency against rate" : `Latency against ${swept}`,
    isRate
      ? "95th percentile (the median where samples are too few). The ring marks the knee, where latency turns upwards; rates past it are void by the plan's intention and have no figure."
      : "95th percentile (the median where samples are too few) at each value of the plan's list.",
    isNumber ? chartPlace(PLACE, `Latency against ${swept}, one line for each reader`) : null,
    sweepTable(result, isRate),
  );
}

/** The lines of {@link sweepSection}; `null` where the factor is no number. */
export function sweepChart(result: ComparisonResult): Chart | null {
  const { plan, points } = result;
  const swept = sweptFactor(plan);
  if (swept === null) return null;
  const values = points
    .map(({ factors }) => factors[swept])
    .filter((each) => typeof each === "number");
  if (values.length < points.length || values.some((value) => value <= 0)) return null;
  const order = points
    .map((point, index) => ({ point, value: values[index] ?? 1 }))
    .sort((a, b) => a.value - b.value);
  const choices = plan.ingress.map((ingress): ChartChoice => {
    return {
      label: `published by ${ingress}`,
      x: order.map(({ value }) => Math.log2(value)),
      ticks: order.map(({ value }) => ({ at: Math.log2(value), text: rounded(value) })),
      series: plan.egress.map((egress) => line(result, order, ingress, egress)),
    };
  });
  return { place: PLACE, choices };
}

function line(
  { knees }: ComparisonResult,
  order: readonly { readonly point: PointResult; readonly value: number }[],
  ingress: IngressName,
  egress: PairResult["egress"],
): ChartSeries {
  const knee = knees.find((each) => each.ingress === ingress && each.egress === egress)?.knee;
  const rate = knee?.kind === "knee" ? knee.ratePerSecond : null;
  const ring = order.findIndex(({ value }) => value === rate);
  return {
    label: egress,
    colour: EGRESS_NAMES.indexOf(egress),
    values: order.map(({ point }) => tailAt(point, ingress, egress)),
    ringAt: ring === -1 ? null : ring,
  };
}

function tailAt(point: PointResult, ingress: string, egress: string): number | null {
  if (point.verdict === "void") return null;
  const pair = point.pairs.find((each) => each.ingress === ingress && each.egress === egress);
  return pair?.latency.quantiles.p95 ?? pair?.latency.quantiles.p50 ?? null;
}

function sweepTable({ plan, points, knees }: ComparisonResult, isRate: boolean): Markup {
  const headings: Content[] = ["pair", ...points.map((point) => pointLabel(plan, point) ?? "")];
  if (isRate) headings.push("latency turns upwards");
  const rows = plan.ingress.flatMap((ingress) =>
    plan.egress.map((egress) => {
      const cells: Content[] = points.map((point) => {
        if (point.verdict === "void") return "void";
        const tail = tailAt(point, ingress, egress);
        return tail === null ? "too few" : duration(tail);
      });
      const knee = knees.find((each) => each.ingress === ingress && each.egress === egress);
      if (isRate) cells.push(knee === undefined ? "–" : kneeText(knee));
      return [`${ingress} → ${egress}`, ...cells];
    }),
  );
  return table("95th percentile of the latency of every pair", headings, rows);
}
