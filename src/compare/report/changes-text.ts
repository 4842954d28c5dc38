import type { PointChange } from "../analysis-baseline.ts";
import type { ComparisonResult } from "../comparison-result.ts";
import { sweptFactor } from "../plan-points.ts";
import { duration, durationRange, signedPercent } from "./figures.ts";
import { statedVerdict } from "./ranking.ts";
import { factorLabel } from "./standing.ts";
import { textTable } from "./text-table.ts";
import { visibleText } from "./visible-text.ts";

/** What changed since a baseline beyond the noise of both runs, for a terminal. */
export function formatChanges(
  { plan }: Pick<ComparisonResult, "plan">,
  changes: readonly PointChange[],
): string {
  if (changes.length === 0) {
    return "Since the baseline: it has no point with these factors, so nothing can be said.\n";
  }
  const swept = sweptFactor(plan);
  return changes
    .map((point) => {
      const label = swept === null ? "" : `, ${factorLabel(swept, point.factors[swept])}`;
      return `Since the baseline${visibleText(label)}\n${announced(point)}${changesAt(point)}`;
    })
    .join("\n");
}

function announced({ differences }: PointChange): string {
  return differences
    .map(({ factor, before, after }) => `  ${factor}: ${before} → ${after}`)
    .map((line) => `${visibleText(line)}\n`)
    .join("");
}

function changesAt({ pairs }: PointChange): string {
  const changed = pairs.filter((pair) => statedVerdict(pair) !== "no measurable difference");
  const rest = pairs.length - changed.length;
  const rows = changed.map((pair) => [
    `  ${pair.ingress} → ${pair.egress}`,
    statedVerdict(pair) === "higher" ? "slower" : "faster",
    `${duration(pair.beforeNs)} → ${duration(pair.afterNs)}`,
    signedPercent(pair.share),
    `(${durationRange(pair.change)})`,
  ]);
  const others = rest === 1 ? "1 pair" : `${rest} pairs`;
  return `${textTable(rows)}  ${others}: no measurable difference\n`;
}
