import type { ComparisonResult, PairResult } from "../comparison-result.ts";
import type { Plan } from "../plan.ts";
import { duration, percent, rounded } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { fold, foldByIngress, section, table } from "./page-parts.ts";
import { headlineIngress, pointLabel } from "./standing.ts";

/** What arrived of what was sent, and what came of the faults that the plan makes. */
export function deliverySection(result: ComparisonResult): Markup {
  const { experiment } = result.plan;
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  return section(
    "delivery",
    experiment.kind === "reconnect" ? "Recovery" : "Delivery",
    disturbance(result.plan),
    points.map((point, index) => {
      const label = pointLabel(result.plan, point);
      const content = foldByIngress(point.pairs, headlineIngress(result.plan), deliveryTable);
      return label === null ? content : fold(label, index === 0, ...content);
    }),
  );
}

function disturbance({ experiment }: Plan): string {
  if (experiment.kind === "reconnect") {
    const faults = {
      reset: "connections were reset",
      "half-open": "connections went silent without an end",
      "gateway-kill": "the gateway was killed and started again",
    };
    return `In each block, ${faults[experiment.fault]} ${experiment.faultsPerBlock} times. Lost is what never came; the greatest latency is the longest that a message waited for its reader to come back.`;
  }
  if (experiment.kind === "slow-reader") {
    return `One more ${experiment.egress} reader stopped reading for ${rounded(experiment.pauseSeconds)} s in each block; these are the others.`;
  }
  return "Nothing was broken on purpose. A block that lost a message is void, so what is lost here was lost in none that stands.";
}

function deliveryTable(pairs: readonly PairResult[]): Markup {
  const rows = pairs.map((pair) => {
    const isWhole = pair.lost === 0 && pair.duplicates === 0 && pair.reordered === 0;
    return [
      `${pair.ingress} → ${pair.egress}`,
      rounded(pair.expected),
      rounded(pair.received),
      lostText(pair.lost, pair.expected),
      rounded(pair.duplicates),
      rounded(pair.reordered),
      duration(pair.latency.max),
      html(
        "span",
        { class: isWhole ? "whole" : "found" },
        isWhole ? "whole, once, in order" : "not whole",
      ),
    ];
  });
  const headings = [
    "pair",
    "sent",
    "received",
    "lost",
    "duplicates",
    "out of order",
    "greatest latency",
    "",
  ];
  return table("Messages of every pair", headings, rows);
}

function lostText(lost: number, expected: number): string {
  return lost === 0 ? "0" : `${rounded(lost)} (${percent(lost / Math.max(1, expected))})`;
}
