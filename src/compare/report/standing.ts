import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import type { EgressName, IngressName, Plan } from "../plan.ts";
import type { FactorName } from "../plan-factors.ts";
import { sweptFactor } from "../plan-points.ts";
import { rounded } from "./figures.ts";

/**
 * Whether the result as a whole is void. Every point must stand, except those of a rate sweep past
 * the highest rate that does: such a plan goes on until the gateway or the load gives in.
 */
export function isVoid({ plan, points }: ComparisonResult): boolean {
  if (!points.some(({ verdict }) => verdict === "valid")) return true;
  if (sweptFactor(plan) !== "ratePerSecond") return points.some(stoodNot);
  const rates = points.filter((point) => !stoodNot(point)).map(rateOf);
  return points.some((point) => stoodNot(point) && rateOf(point) < Math.max(...rates));
}

/** Whose readers the headline compares: those of the publisher that the plan repeats, or its first. */
export function headlineIngress({ repeatedIngress, ingress }: Plan): IngressName {
  return repeatedIngress ?? ingress[0] ?? "mqtt-qos1";
}

/** As {@link headlineIngress}, for comparisons between publishers. */
export function headlineEgress({ repeatedEgress, egress }: Plan): EgressName {
  return repeatedEgress ?? egress[0] ?? "mqtt";
}

/** What the latency of this plan is measured from. */
export function latencyMeaning({ experiment }: Plan): string {
  return experiment.kind === "connect"
    ? "latency from nothing to the first, retained message"
    : "latency from the intended send time";
}

/** What sets a point apart in its sweep, for a heading: `payloadBytes 64`; `null` when it is alone. */
export function pointLabel(plan: Plan, point: PointResult): string | null {
  const swept = sweptFactor(plan);
  return swept === null ? null : factorLabel(swept, point.factors[swept]);
}

/** One factor as a person reads it: `tls on`, `64 bytes`, `100/s`. */
export function factorLabel(factor: FactorName, value: string | number | boolean): string {
  if (factor === "payloadBytes" && typeof value === "number") return `${rounded(value)} bytes`;
  if (factor === "ratePerSecond" && typeof value === "number") return `${rounded(value)}/s`;
  if (factor === "network" || factor === "connections") return String(value);
  if (typeof value === "boolean") return `${factor} ${value ? "on" : "off"}`;
  return `${factor} ${typeof value === "number" ? rounded(value) : value}`;
}

function stoodNot(point: PointResult): boolean {
  return point.verdict === "void";
}

function rateOf(point: PointResult): number {
  return point.factors.ratePerSecond;
}
