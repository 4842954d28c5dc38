import type { CountedSeries } from "./counters.ts";
import type { TimedSeries } from "./deliveries.ts";
import {
  BUCKET_COUNTS,
  BUCKET_SECONDS,
  METRIC_PREFIX,
  METRICS,
  type MetricName,
} from "./metric-catalog.ts";

const NANOSECONDS_PER_SECOND = 1e9;

/** Bounds of buckets as they are exported, in a unit of which a histogram's samples are parts. */
interface Buckets {
  readonly bounds: readonly number[];
  /** Samples of the histogram to one exported unit. */
  readonly scale: number;
}

const SECONDS: Buckets = { bounds: BUCKET_SECONDS, scale: NANOSECONDS_PER_SECOND };
const COUNTS: Buckets = { bounds: BUCKET_COUNTS, scale: 1 };

/** A counter or gauge in the Prometheus text format 0.0.4; nothing when it has no series. */
export function exposeCounts(name: MetricName, series: readonly CountedSeries[]): string {
  if (series.length === 0) return "";
  const lines = series.map(({ labels, count }) => sample(name, "", labels, String(count)));
  return head(name) + lines.join("");
}

/** Histograms of nanoseconds as seconds, in the Prometheus text format; nothing without series. */
export function exposeTimes(name: MetricName, series: readonly TimedSeries[]): string {
  return exposeHistograms(name, series, SECONDS);
}

/** Histograms of counts, such as messages in a batch, in the same format. */
export function exposeSizes(name: MetricName, series: readonly TimedSeries[]): string {
  return exposeHistograms(name, series, COUNTS);
}

function exposeHistograms(
  name: MetricName,
  series: readonly TimedSeries[],
  buckets: Buckets,
): string {
  if (series.length === 0) return "";
  return head(name) + series.map((each) => exposeHistogram(name, each, buckets)).join("");
}

function exposeHistogram(
  name: MetricName,
  { labels, histogram }: TimedSeries,
  { bounds, scale }: Buckets,
): string {
  const counts = histogram.countsAtOrBelow(bounds.map((bound) => bound * scale));
  let text = "";
  for (const [index, bound] of bounds.entries()) {
    text += sample(name, "_bucket", { ...labels, le: String(bound) }, String(counts[index] ?? 0));
  }
  const count = String(histogram.count);
  text += sample(name, "_bucket", { ...labels, le: "+Inf" }, count);
  text += sample(name, "_sum", labels, String(histogram.sum / scale));
  return text + sample(name, "_count", labels, count);
}

function head(name: MetricName): string {
  const { help, type } = METRICS[name];
  const full = METRIC_PREFIX + name;
  return `# HELP ${full} ${escapeHelp(help)}\n# TYPE ${full} ${type}\n`;
}

function sample(
  name: MetricName,
  suffix: string,
  labels: Readonly<Record<string, string>>,
  value: string,
): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const shown = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${METRIC_PREFIX}${name}${suffix}${shown} ${value}\n`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
