import type { CountedSeries } from "./counters.ts";
import type { TimedSeries } from "./deliveries.ts";
import { BUCKET_SECONDS, METRIC_PREFIX, METRICS, type MetricName } from "./metric-catalog.ts";

const NANOSECONDS_PER_SECOND = 1e9;

const BUCKET_NANOSECONDS = BUCKET_SECONDS.map((seconds) => seconds * NANOSECONDS_PER_SECOND);

/** A counter or gauge in the Prometheus text format 0.0.4; nothing when it has no series. */
export function exposeCounts(name: MetricName, series: readonly CountedSeries[]): string {
  if (series.length === 0) return "";
  const lines = series.map(({ labels, count }) => sample(name, "", labels, String(count)));
  return head(name) + lines.join("");
}

/** Histograms of nanoseconds as seconds, in the Prometheus text format; nothing without series. */
export function exposeTimes(name: MetricName, series: readonly TimedSeries[]): string {
  if (series.length === 0) return "";
  return head(name) + series.map((each) => exposeHistogram(name, each)).join("");
}

function exposeHistogram(name: MetricName, { labels, histogram }: TimedSeries): string {
  const counts = histogram.countsAtOrBelow(BUCKET_NANOSECONDS);
  let text = "";
  for (const [index, bound] of BUCKET_SECONDS.entries()) {
    text += sample(name, "_bucket", { ...labels, le: String(bound) }, String(counts[index] ?? 0));
  }
  const count = String(histogram.count);
  text += sample(name, "_bucket", { ...labels, le: "+Inf" }, count);
  text += sample(name, "_sum", labels, String(histogram.sum / NANOSECONDS_PER_SECOND));
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
