/** What an expression reads: metric names as they stand, and the labels it goes by. */
export interface PromqlNames {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

const METRIC = /\b(?:tributary|nodejs|process)_[a-z0-9_]+|\bup\b|\bALERTS\b/g;
const MATCHER = /([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g;
const GROUPING = /\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g;
const STRING = /"(?:[^"\\]|\\.)*"/g;

/** Finds the names in a PromQL expression, or in one of Grafana's `label_values(…)`. */
export function promqlNames(expression: string): PromqlNames {
  const bare = expression.replaceAll(STRING, '""');
  const grouped = [...bare.matchAll(GROUPING)].flatMap(([, list = ""]) => list.split(","));
  const matched = [...bare.matchAll(MATCHER)].map(([, label = ""]) => label);
  const outsideBraces = bare.replaceAll(/\{[^}]*\}/g, "");
  return {
    metrics: unique([...outsideBraces.matchAll(METRIC)].map(([name]) => name)),
    labels: unique([...grouped.map((label) => label.trim()), ...matched]),
  };
}

/** The metric a sample belongs to: `x_bucket`, `x_sum` and `x_count` are parts of histogram `x`. */
export function metricOf(sample: string): string {
  return sample.replace(/_(?:bucket|sum|count)$/, "");
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== ""))];
}
