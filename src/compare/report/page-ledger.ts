import type { ComparisonResult } from "../comparison-result.ts";
import { LEDGER_FACTORS, type LedgerFactor } from "../ledger.ts";
import { rounded } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { section, table } from "./page-parts.ts";
import { pointLabel } from "./standing.ts";

/** Everything that the result depends on: what is the same at all points once, the rest by point. */
export function ledgerSection(result: ComparisonResult): Markup {
  const { plan, points } = result;
  const constant = LEDGER_FACTORS.filter((factor) => valuesOf(result, factor).length <= 1);
  const varied = LEDGER_FACTORS.filter((factor) => !constant.includes(factor));
  const rows = constant.map((factor) => [factor, valuesOf(result, factor)[0] ?? "unknown"]);
  return section(
    "ledger",
    "Ledger",
    "Everything this result depends on. Two results that differ in anything here that was not announced are not compared. With the plan and the seed it repeats the run.",
    varied.length === 0
      ? null
      : table(
          "What the plan varied",
          ["point", ...varied],
          points.map((point, index) => [
            pointLabel(plan, point) ?? `point ${index + 1}`,
            ...varied.map((factor) => valueAt(result, index, factor)),
          ]),
        ),
    table("The same at every point", ["factor", "value"], rows, "ledger"),
    html(
      "dl",
      { class: "facts" },
      ...facts(result).flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]),
    ),
  );
}

function facts({ plan, startedAt }: ComparisonResult): [string, string][] {
  return [
    ["plan", plan.name],
    ["meaning", plan.meaning],
    ["seed", String(plan.seed)],
    ["started", startedAt],
    ["blocks", `${plan.blocks}, ${rounded(plan.windowSeconds)} s each`],
    ["warm-up", `${rounded(plan.warmUpSeconds)} s`],
    ["void when", voidRule(plan.validity)],
  ];
}

function voidRule({
  maxSendDelayMs,
  maxLoopDelayMs,
  maxGatewayLoopDelayMs,
}: ComparisonResult["plan"]["validity"]): string {
  return `a block sends ${maxSendDelayMs} ms late, or the load's event loop is ${maxLoopDelayMs} ms or the gateway's ${maxGatewayLoopDelayMs} ms late (p99), or a message is lost`;
}

function valuesOf({ points }: ComparisonResult, factor: LedgerFactor): string[] {
  return [...new Set(points.map((_, index) => valueAt({ points }, index, factor)))];
}

function valueAt(
  { points }: Pick<ComparisonResult, "points">,
  index: number,
  factor: LedgerFactor,
): string {
  const value = points[index]?.ledger.find((entry) => entry.factor === factor)?.value ?? null;
  if (value === null) return "unknown";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}
