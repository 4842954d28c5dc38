import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import { duration, rounded } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { fold, section, table } from "./page-parts.ts";
import { isVoid, pointLabel } from "./standing.ts";

/** Why points are void, with the condition of their blocks; `null` when all stand. */
export function voidSection(result: ComparisonResult): Markup | null {
  const broken = result.points.filter(({ verdict }) => verdict === "void");
  if (broken.length === 0) return null;
  return section(
    "void",
    isVoid(result) ? "Why it is void" : "Points past the knee",
    "A void point has no figures here: they would describe the load, or a selection, and somebody would quote them.",
    broken.map((point) => voidPoint(result, point)),
  );
}

function voidPoint({ plan }: ComparisonResult, point: PointResult): Markup {
  const label = pointLabel(plan, point);
  return html(
    "div",
    { class: "void-point" },
    label === null ? null : html("h3", {}, label),
    html(
      "ul",
      {},
      point.voidReasons.map((reason) => html("li", {}, reason)),
    ),
    fold("Condition of every block", false, conditions(point)),
  );
}

function conditions(point: PointResult): Markup {
  const rows = point.blocks.map(({ design, condition, voidReasons }) => [
    rounded(design.index + 1),
    duration(condition.sendDelayP99Ns),
    rounded(condition.lateSends),
    duration(condition.loopDelayP99Ns),
    condition.gatewayLoopDelayP99Ns === null ? "–" : duration(condition.gatewayLoopDelayP99Ns),
    rounded(condition.publishFailures),
    voidReasons.length === 0 ? "stands" : voidReasons.join("; "),
  ]);
  const headings = [
    "block",
    "send delay p99",
    "late sends",
    "load's loop p99",
    "gateway's loop p99",
    "failed publishes",
    "",
  ];
  return table("Blocks", headings, rows, "blocks");
}
