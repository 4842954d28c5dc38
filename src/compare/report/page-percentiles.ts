import type { ComparisonResult, PairResult, PointResult } from "../comparison-result.ts";
import { EGRESS_NAMES, type IngressName } from "../plan.ts";
import { QUANTILES } from "../statistics/quantiles.ts";
import { SignedHistogram } from "../statistics/signed-histogram.ts";
import type { Chart, ChartChoice } from "./chart-data.ts";
import { duration, rounded } from "./figures.ts";
import type { Markup } from "./markup.ts";
import { chartPlace, fold, section, table } from "./page-parts.ts";
import { headlineIngress, pointLabel } from "./standing.ts";

const PLACE = "percentile-chart";
/** Nines of a percentile, −log₁₀(1 − p): 1 is 90 %, 2 is 99 %. Steps that look round when drawn. */
const STEP = 0.05;
const MOST_NINES = 5;
/** As for the quantiles of the tables: fewer samples beyond a percentile, and it is not stated. */
const SAMPLES_BEYOND = 10;

const TICKS = [
  { at: 0, text: "0 %" },
  { at: -Math.log10(0.5), text: "50 %" },
  { at: 1, text: "90 %" },
  { at: 2, text: "99 %" },
  { at: 3, text: "99.9 %" },
  { at: 4, text: "99.99 %" },
];

/** Latency by percentile: where the tails of the transports part. */
export function percentilesSection(result: ComparisonResult): Markup {
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  return section(
    "percentiles",
    "Percentiles",
    "Latency from the intended send time, merged over all blocks that stand; percentiles are never averaged. A percentile with fewer than ten messages beyond it is not stated.",
    chartPlace(PLACE, "Latency by percentile, one line for each reader"),
    points.map((point) => {
      const label = pointLabel(result.plan, point);
      return fold(
        label === null ? "All percentiles" : `All percentiles: ${label}`,
        false,
        quantileTable(point),
      );
    }),
  );
}

/** The lines of {@link percentilesSection}, one drawing for each point and ingress. */
export function percentilesChart({ plan, points }: ComparisonResult): Chart {
  const first = headlineIngress(plan);
  const ingresses = [first, ...plan.ingress.filter((name) => name !== first)];
  const choices = points
    .filter(({ verdict }) => verdict === "valid")
    .flatMap((point) => {
      const label = pointLabel(plan, point);
      return ingresses.map((ingress) =>
        choice(point, ingress, label === null ? ingress : `${ingress}, ${label}`),
      );
    });
  return { place: PLACE, choices };
}

function choice(point: PointResult, ingress: IngressName, label: string): ChartChoice {
  const pairs = point.pairs.filter((pair) => pair.ingress === ingress);
  const most = Math.max(1, ...pairs.map(({ latency }) => latency.histogram.count));
  const end = Math.min(MOST_NINES, Math.log10(most / SAMPLES_BEYOND));
  const steps = Math.max(2, Math.floor(end / STEP) + 1);
  const x = Array.from({ length: steps }, (_, index) => Math.round(index * STEP * 100) / 100);
  return {
    label: `published by ${label}`,
    x,
    ticks: TICKS.filter(({ at }) => at <= end),
    series: pairs.map((pair) => ({
      label: pair.egress,
      colour: EGRESS_NAMES.indexOf(pair.egress),
      values: curve(pair, x),
      ringAt: null,
    })),
  };
}

function curve({ latency }: PairResult, x: readonly number[]): (number | null)[] {
  const histogram = SignedHistogram.fromSnapshot(latency.histogram);
  return x.map((nines) => {
    const beyond = 10 ** -nines;
    if (histogram.count * beyond < SAMPLES_BEYOND) return null;
    return Math.round(histogram.quantile(1 - beyond));
  });
}

function quantileTable(point: PointResult): Markup {
  const stated = (value: number | null): string => (value === null ? "too few" : duration(value));
  const headings = [
    "pair",
    "messages",
    "least",
    ...QUANTILES.map(([name]) => name),
    "greatest",
    "mean",
    "service p50",
    "service p99",
  ];
  const rows = point.pairs.map(({ ingress, egress, received, latency, service }) => [
    `${ingress} → ${egress}`,
    rounded(received),
    duration(latency.min),
    ...QUANTILES.map(([name]) => stated(latency.quantiles[name])),
    duration(latency.max),
    duration(latency.mean),
    stated(service.quantiles.p50),
    stated(service.quantiles.p99),
  ]);
  return table(
    "Latency of every pair; service time counts from the actual send and is no latency",
    headings,
    rows,
  );
}
