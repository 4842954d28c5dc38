import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import { CAUSES, causeKey, stackedBar } from "./cause-bar.ts";
import { COST_FIGURES, type CostGroup, costGroups, totalOf } from "./costed.ts";
import { byteCount, rounded } from "./figures.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { fold, MISSING, section, table } from "./page-parts.ts";
import { pointLabel } from "./standing.ts";

/** Bytes at the socket for one delivered message, stacked by cause. */
export function bytesSection(result: ComparisonResult): Markup {
  const parts = byPoint(result, (point) =>
    groupFolds(point, (group) => bytesTable(group, point.factors.payloadBytes)),
  );
  return section(
    "bytes",
    "Bytes on the wire",
    "Per delivered message, both directions, counted at the clients' sockets and split by what they are for. Bars of one table share a scale.",
    parts.length > 0 ? [causeKey(), ...parts] : absent("bytes"),
  );
}

/** What a message costs the machines, and what standing by costs. */
export function machineSection(result: ComparisonResult): Markup {
  const parts = byPoint(result, (point) => groupFolds(point, machineTable));
  return section(
    "machine",
    "CPU, memory, requests",
    "CPU time, requests and connections are per delivered message; memory, bytes and starting time are those of one connection.",
    parts.length > 0 ? parts : absent("CPU and memory"),
  );
}

function byPoint(result: ComparisonResult, build: (point: PointResult) => Markup[]): Markup[] {
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  return points.flatMap((point, index) => {
    const content = build(point);
    const label = pointLabel(result.plan, point);
    if (content.length === 0 || label === null) return content;
    return fold(label, index === 0, ...content);
  });
}

/** The ends are open; the pairs, which are their sums, only where there are no ends. */
function groupFolds(point: PointResult, build: (group: CostGroup) => Markup | null): Markup[] {
  return costGroups(point).flatMap((group, index) => {
    const content = build(group);
    return content === null ? [] : fold(group.title, index < 2, content);
  });
}

function bytesTable({ title, members }: CostGroup, payload: number): Markup | null {
  const most = Math.max(0, ...members.map(({ cost }) => totalOf(cost.wireBytes)));
  const rows = members.flatMap(({ name, cost: { wireBytes } }) => {
    if (wireBytes === null) return [];
    return [
      [
        name,
        stackedBar(wireBytes, most),
        html("strong", {}, byteCount(totalOf(wireBytes))),
        ...CAUSES.map(([cause]) => rounded(wireBytes[cause])),
      ],
    ];
  });
  if (rows.length === 0) return null;
  const caption = `${title}: bytes per delivered message with ${rounded(payload)} bytes of payload`;
  return table(caption, ["", "", "total", ...CAUSES.map(([, name]) => name)], rows, "bars");
}

function machineTable({ title, members }: CostGroup): Markup | null {
  const rows = members
    .map((member) => ({ name: member.name, figures: COST_FIGURES.map(([, read]) => read(member)) }))
    .filter(({ figures }) => figures.some((figure) => figure !== null));
  if (rows.length === 0) return null;
  const known = COST_FIGURES.map((_, column) =>
    rows.some(({ figures }) => figures[column] !== null),
  );
  const shown = <Value>(row: readonly Value[]): Value[] => row.filter((_, column) => known[column]);
  return table(
    `${title}: cost`,
    ["", ...shown(COST_FIGURES.map(([name]) => name))],
    rows.map(({ name, figures }) => [
      name,
      ...shown(figures).map((figure): Content => figure ?? MISSING),
    ]),
  );
}

function absent(what: string): Markup {
  return html("p", { class: "absent" }, `This run did not measure ${what}.`);
}
