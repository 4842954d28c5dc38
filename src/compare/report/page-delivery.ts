import type { ComparisonResult, PairResult, PointResult } from "../comparison-result.ts";
import type { Plan } from "../plan.ts";
import { lengthBar } from "./cause-bar.ts";
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
      const recovery = recoveryTable(point);
      const parts = recovery === null ? content : [recovery, ...content];
      return label === null ? parts : fold(label, index === 0, ...parts);
    }),
  );
}

/** How readers came back, with a bar for the median time to the next message. */
function recoveryTable({ recoveries }: PointResult): Markup | null {
  if (recoveries.length === 0) return null;
  const shown = (value: number | null): string => (value === null ? "never" : duration(value));
  const most = Math.max(1, ...recoveries.map(({ medianMessageNs }) => medianMessageNs ?? 0));
  const rows = recoveries.map((each) => [
    each.egress,
    lengthBar(each.medianMessageNs ?? 0, most),
    shown(each.medianMessageNs),
    shown(each.worstMessageNs),
    shown(each.medianOpenNs),
    `${rounded(each.reopened)} of ${rounded(each.resets)}`,
    `${rounded(each.recovered)} of ${rounded(each.resets)}`,
  ]);
  const headings = [
    "reader",
    "",
    "next message, median",
    "next message, worst",
    "subscribed again, median",
    "subscribed again",
    "had a message again",
  ];
  return table("From the break of a connection", headings, rows, "bars");
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
