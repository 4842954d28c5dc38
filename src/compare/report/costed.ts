import type { ComparisonResult, PairCost, PointResult, WireCause } from "../comparison-result.ts";
import { CAUSES } from "./cause-bar.ts";
import { byteCount, duration, rounded } from "./figures.ts";

/** Something with a cost: a publisher, a reader, or a pair of them. */
export interface Costed {
  readonly name: string;
  readonly cost: PairCost;
  /** Of one connection until it could carry a message; known of single ends. */
  readonly connectionBytes: number | null;
}

export interface CostGroup {
  readonly title: string;
  readonly members: readonly Costed[];
}

/** What a point knows costs of: each end by itself, then the pairs. Empty groups are left out. */
export function costGroups({ legs, pairs }: PointResult): CostGroup[] {
  const end = (side: "ingress" | "egress"): Costed[] =>
    legs
      .filter((leg) => leg.side === side)
      .map((leg) => ({ name: leg.name, cost: leg, connectionBytes: leg.connectionBytes }));
  const both = pairs.flatMap(({ ingress, egress, cost }) =>
    cost === null ? [] : [{ name: `${ingress} → ${egress}`, cost, connectionBytes: null }],
  );
  return [
    { title: "Publishers", members: end("ingress") },
    { title: "Readers", members: end("egress") },
    { title: "Pairs, both ends together", members: both },
  ].filter(({ members }) => members.length > 0);
}

/** Of all causes; 0 when they were not measured. */
export function totalOf(bytes: Readonly<Record<WireCause, number>> | null): number {
  return bytes === null ? 0 : CAUSES.reduce((sum, [cause]) => sum + bytes[cause], 0);
}

/** Figures of a cost beside its bytes by cause, each as text, or `null` where it was not measured. */
export const COST_FIGURES: readonly (readonly [string, (costed: Costed) => string | null])[] = [
  ["gateway CPU", ({ cost }) => text(cost.gatewayCpuMicroseconds, microseconds)],
  ["clients' CPU", ({ cost }) => text(cost.clientCpuMicroseconds, microseconds)],
  ["requests", ({ cost }) => text(cost.requestsPerMessage, rounded)],
  ["connections", ({ cost }) => text(cost.connectionsPerMessage, rounded)],
  ["bytes to connect", ({ connectionBytes }) => text(connectionBytes, byteCount)],
  ["idle memory per connection", ({ cost }) => text(cost.idleConnectionBytes, byteCount)],
  ["idle bytes per hour", ({ cost }) => text(cost.idleBytesPerHour, byteCount)],
  ["cold start to first message", ({ cost }) => text(cost.coldToFirstMessageNs, duration)],
];

/** The names of what was measured nowhere in the result. */
export function unmeasuredCosts({ points }: ComparisonResult): string[] {
  const all = points.flatMap(costGroups).flatMap(({ members }) => members);
  const missing = COST_FIGURES.filter(([, read]) => all.every((each) => read(each) === null));
  const hasBytes = all.some(({ cost }) => cost.wireBytes !== null);
  return [...(hasBytes ? [] : ["bytes on the wire"]), ...missing.map(([name]) => name)];
}

function microseconds(value: number): string {
  return duration(value * 1e3);
}

function text(value: number | null, format: (value: number) => string): string | null {
  return value === null ? null : format(value);
}
