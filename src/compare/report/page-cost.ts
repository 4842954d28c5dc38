import type { ComparisonResult, PairCost, PairResult, WireCause } from "../comparison-result.ts";
import { byteCount, duration, rounded } from "./figures.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { fold, foldByIngress, MISSING, section, table } from "./page-parts.ts";
import { headlineIngress, pointLabel } from "./standing.ts";

/** Causes in the order of the stack, from what is wanted to what is not, with their names. */
const CAUSES: readonly (readonly [WireCause, string])[] = [
  ["payload", "payload"],
  ["envelope", "our envelope"],
  ["framing", "headers, framing"],
  ["acknowledgement", "acknowledgements"],
  ["handshake", "handshake"],
  ["keepAlive", "keep-alive"],
];

/** Units of the drawing of a bar. */
const WIDTH = 240;
const HEIGHT = 18;

/** Bytes at the socket for one delivered message, stacked by cause. */
export function bytesSection(result: ComparisonResult): Markup {
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  const parts = points.map((point, index) => {
    const label = pointLabel(result.plan, point);
    const most = Math.max(0, ...point.pairs.map(({ cost }) => totalOf(cost?.wireBytes ?? null)));
    const content = foldByIngress(point.pairs, headlineIngress(result.plan), (pairs) =>
      bytesTable(pairs, point.factors.payloadBytes, most),
    );
    if (content.length === 0) return null;
    return label === null ? content : fold(label, index === 0, ...content);
  });
  const isMeasured = parts.some((part) => part !== null);
  return section(
    "bytes",
    "Bytes on the wire",
    "Per delivered message, both directions, counted at the sockets and split by what they are for. Bars of one point share a scale.",
    isMeasured ? [causeKey(), ...parts] : absent("bytes"),
  );
}

function bytesTable(
  pairs: readonly PairResult[],
  payloadBytes: number,
  most: number,
): Markup | null {
  const measured = pairs.flatMap((pair) => {
    const bytes = pair.cost?.wireBytes ?? null;
    return bytes === null ? [] : [{ pair, bytes, total: totalOf(bytes) }];
  });
  if (measured.length === 0) return null;
  const rows = measured.map(({ pair, bytes, total }) => [
    `${pair.ingress} → ${pair.egress}`,
    stackedBar(bytes, most),
    html("strong", {}, byteCount(total)),
    ...CAUSES.map(([cause]) => rounded(bytes[cause])),
  ]);
  const caption = `Bytes per delivered message with ${rounded(payloadBytes)} bytes of payload`;
  return table(caption, ["pair", "", "total", ...CAUSES.map(([, name]) => name)], rows, "bars");
}

function stackedBar(bytes: Readonly<Record<WireCause, number>>, most: number): Markup {
  let left = 0;
  const parts = CAUSES.map(([cause]) => {
    const width = (Math.max(0, bytes[cause]) / Math.max(1, most)) * WIDTH;
    const part = html("rect", {
      class: `cause-${cause}`,
      x: left.toFixed(1),
      y: 1,
      width: width.toFixed(1),
      height: HEIGHT - 2,
    });
    left += width;
    return part;
  });
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  return html("svg", { class: "bar", viewBox, "aria-hidden": "true" }, ...parts);
}

function causeKey(): Markup {
  return html(
    "ul",
    { class: "key", "aria-label": "Colours of the bars" },
    CAUSES.map(([cause, name]) =>
      html("li", {}, html("span", { class: `swatch cause-${cause}` }), name),
    ),
  );
}

/** Of all causes; 0 when they were not measured. */
export function totalOf(bytes: Readonly<Record<WireCause, number>> | null): number {
  return bytes === null ? 0 : CAUSES.reduce((sum, [cause]) => sum + bytes[cause], 0);
}

const FIGURES: readonly (readonly [string, (cost: PairCost) => string | null])[] = [
  ["gateway CPU", (cost) => text(cost.gatewayCpuMicroseconds, microseconds)],
  ["clients' CPU", (cost) => text(cost.clientCpuMicroseconds, microseconds)],
  ["requests", (cost) => text(cost.requestsPerMessage, rounded)],
  ["connections", (cost) => text(cost.connectionsPerMessage, rounded)],
  ["idle memory per connection", (cost) => text(cost.idleConnectionBytes, byteCount)],
  ["idle bytes per hour", (cost) => text(cost.idleBytesPerHour, byteCount)],
  ["cold start to first message", (cost) => text(cost.coldToFirstMessageNs, duration)],
];

/** What a message costs the machines, and what standing by costs. */
export function machineSection(result: ComparisonResult): Markup {
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  const parts = points.map((point, index) => {
    const label = pointLabel(result.plan, point);
    const content = foldByIngress(point.pairs, headlineIngress(result.plan), machineTable);
    if (content.length === 0) return null;
    return label === null ? content : fold(label, index === 0, ...content);
  });
  const isMeasured = parts.some((part) => part !== null);
  return section(
    "machine",
    "CPU, memory, requests",
    "CPU time, requests and connections are per delivered message; memory and bytes are those of one connection that waits. The pair's two ends are counted together.",
    isMeasured ? parts : absent("CPU and memory"),
  );
}

function machineTable(pairs: readonly PairResult[]): Markup | null {
  const rows = pairs.flatMap(({ ingress, egress, cost }) => {
    const figures = FIGURES.map(([, read]) => (cost === null ? null : read(cost)));
    return figures.every((figure) => figure === null) ? [] : [{ ingress, egress, figures }];
  });
  if (rows.length === 0) return null;
  const known = FIGURES.map((_, column) => rows.some(({ figures }) => figures[column] !== null));
  const shown = <Value>(row: readonly Value[]): Value[] => row.filter((_, column) => known[column]);
  return table(
    "Cost of every pair",
    ["pair", ...shown(FIGURES.map(([name]) => name))],
    rows.map(({ ingress, egress, figures }) => [
      `${ingress} → ${egress}`,
      ...shown(figures).map((figure): Content => figure ?? MISSING),
    ]),
  );
}

/** The names of what no pair of the result was measured for. */
export function unmeasuredCosts({ points }: ComparisonResult): string[] {
  const costs = points.flatMap(({ pairs }) => pairs.flatMap(({ cost }) => cost ?? []));
  const missing = FIGURES.filter(([, read]) => costs.every((cost) => read(cost) === null));
  const bytes = costs.every(({ wireBytes }) => wireBytes === null) ? ["bytes on the wire"] : [];
  return [...bytes, ...missing.map(([name]) => name)];
}

function absent(what: string): Markup {
  return html("p", { class: "absent" }, `This run did not measure ${what}.`);
}

function microseconds(value: number): string {
  return duration(value * 1e3);
}

function text(value: number | null, format: (value: number) => string): string | null {
  return value === null ? null : format(value);
}
