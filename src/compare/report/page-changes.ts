import type { PointChange } from "../analysis-baseline.ts";
import type { ComparisonResult } from "../comparison-result.ts";
import { sweptFactor } from "../plan-points.ts";
import { chance, duration, durationRange, signedPercent } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { section, table } from "./page-parts.ts";
import { statedVerdict } from "./ranking.ts";
import { factorLabel } from "./standing.ts";

/** What changed since a baseline; `null` without one. */
export function changesSection(
  { plan }: ComparisonResult,
  changes: readonly PointChange[] | null,
): Markup | null {
  if (changes === null) return null;
  const swept = sweptFactor(plan);
  return section(
    "changes",
    "Since the baseline",
    "Median latency of each pair, after against before, with Welch's interval over the blocks of both runs. A change needs an interval without 0, to be beyond both runs' noise floor, and to hold among all pairs.",
    changes.map((point) => {
      const label = swept === null ? null : factorLabel(swept, point.factors[swept]);
      const rows = point.pairs.map((pair) => [
        `${pair.ingress} → ${pair.egress}`,
        duration(pair.beforeNs),
        duration(pair.afterNs),
        signedPercent(pair.share),
        durationRange(pair.change),
        chance(pair.adjustedPValue),
        html(
          "span",
          { class: statedVerdict(pair) === "no measurable difference" ? "unfound" : "found" },
          statedVerdict(pair),
        ),
      ]);
      const headings = ["pair", "before", "after", "change", "95 % interval", "p (Holm)", ""];
      return table(label ?? "Every pair of both runs", headings, rows);
    }),
  );
}
