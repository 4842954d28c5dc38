import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import { sweptFactor } from "../plan-points.ts";
import { duration, durationWithin, percent, rounded } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { section, table } from "./page-parts.ts";
import { headlineIngress, isVoid, pointLabel } from "./standing.ts";

/** What lay between the ends, and what TCP's own timers did there. */
export function networkSection(result: ComparisonResult): Markup {
  return section(
    "network",
    "Network",
    "What lay between the load and the gateway at each point, and where a timer of TCP decided instead of the transport.",
    table(
      "The link of each point",
      ["point", "profile", "TLS", "no-delay", "HTTP connections", "compression", "clock"],
      result.points.map((point) => linkRow(result, point)),
    ),
    sweptFactor(result.plan) === "network" && !isVoid(result) ? addedTable(result) : null,
    isVoid(result) ? null : stallTable(result),
  );
}

function linkRow({ plan }: ComparisonResult, point: PointResult): string[] {
  const { network, tls, noDelay, connections, compression } = point.factors;
  const { clock } = point;
  return [
    pointLabel(plan, point) ?? "the run",
    network,
    tls ? "on" : "off",
    noDelay ? "on" : "off, Nagle's algorithm waits",
    connections,
    compression ? "permessage-deflate" : "none",
    clock === null
      ? "one clock"
      : `two: off by ${duration(clock.offsetNs)} ± ${duration(clock.errorNs)}, drifting ${rounded(clock.driftPpm)} ppm`,
  ];
}

/** Median by reader and profile, for the publisher of the headline. */
function addedTable({ plan, points }: ComparisonResult): Markup {
  const ingress = headlineIngress(plan);
  const rows = plan.egress.map((egress) => [
    egress,
    ...points.map((point) => {
      if (point.verdict === "void") return "void";
      const pair = point.pairs.find((each) => each.ingress === ingress && each.egress === egress);
      if (pair === undefined || pair.median === null) return "–";
      const tail = pair.latency.quantiles.p99;
      const end = tail === null ? "" : `, p99 ${duration(tail)}`;
      return `${durationWithin(pair.median)}${end}`;
    }),
  ]);
  const headings = ["reader", ...points.map(({ factors }) => factors.network)];
  return table(`Latency by network, published by ${ingress}`, headings, rows);
}

function stallTable({ plan, points }: ComparisonResult): Markup {
  const rows = points
    .filter(({ verdict }) => verdict === "valid")
    .flatMap((point) =>
      point.pairs.flatMap(({ ingress, egress, stallModes }) =>
        stallModes.map(({ atMs, meaning, count, share }) => [
          `${ingress} → ${egress}`,
          pointLabel(plan, point) ?? "the run",
          `${atMs} ms`,
          `${rounded(count)} (${percent(share)})`,
          meaning,
        ]),
      ),
    );
  if (rows.length === 0) {
    return html("p", {}, "No pair has a hump at 40 or 200 ms: no timer of TCP shows.");
  }
  return table("Stalls by a timer of TCP", ["pair", "point", "at", "messages", "which"], rows);
}
