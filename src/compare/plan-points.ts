import type { Plan } from "./plan.ts";
import { FACTOR_NAMES, type FactorName, type Factors } from "./plan-factors.ts";

/** A plan with one value for every factor: what a run executes. */
export type PlanPoint = Omit<Plan, FactorName> & Factors;

/** Opening, settling and closing the connections of one block, seconds: an estimate for the clock. */
export const BLOCK_OVERHEAD_SECONDS = 0.5;

/** The factor that the plan gives a list for; `null` when it is no sweep. */
export function sweptFactor(plan: Plan): FactorName | null {
  return FACTOR_NAMES.find((name) => Array.isArray(plan[name])) ?? null;
}

/** The points of a sweep in the order of its list; one point for a plan that is none. */
export function planPoints(plan: Plan): PlanPoint[] {
  const swept = sweptFactor(plan);
  const values = swept === null ? [null] : [plan[swept]].flat();
  return values.map((_, index) => ({
    ...plan,
    payloadBytes: at(plan.payloadBytes, index),
    ratePerSecond: at(plan.ratePerSecond, index),
    qos: at(plan.qos, index),
    mqttVersion: at(plan.mqttVersion, index),
    fanOut: at(plan.fanOut, index),
    tls: at(plan.tls, index),
    compression: at(plan.compression, index),
    noDelay: at(plan.noDelay, index),
    connections: at(plan.connections, index),
    batchSize: at(plan.batchSize, index),
    plainPollIntervalMs: at(plan.plainPollIntervalMs, index),
    websocketSubprotocol: at(plan.websocketSubprotocol, index),
    network: at(plan.network, index),
  }));
}

/** The factors of a point alone. */
export function factorsOf(point: PlanPoint): Factors {
  const { payloadBytes, ratePerSecond, qos, mqttVersion, fanOut, tls, compression } = point;
  const { noDelay, connections, batchSize, plainPollIntervalMs, network } = point;
  const { websocketSubprotocol } = point;
  return {
    payloadBytes,
    ratePerSecond,
    qos,
    mqttVersion,
    fanOut,
    tls,
    compression,
    noDelay,
    connections,
    batchSize,
    plainPollIntervalMs,
    websocketSubprotocol,
    network,
  };
}

/** About how long the whole plan takes, in seconds. */
export function planSeconds(plan: Plan): number {
  const blockSeconds = plan.windowSeconds + BLOCK_OVERHEAD_SECONDS;
  const pointSeconds = plan.warmUpSeconds + plan.blocks * blockSeconds + costSecondsOf(plan);
  return planPoints(plan).length * pointSeconds;
}

/** How long the costs of a point take: three blocks for bytes, one idle, one of each name alone. */
export function costSecondsOf(
  plan: Pick<Plan, "costSeconds" | "experiment" | "ingress" | "egress">,
): number {
  const { kind } = plan.experiment;
  if (plan.costSeconds === 0 || (kind !== "delivery" && kind !== "connect")) return 0;
  const blocks = 4 + plan.ingress.length + plan.egress.length;
  return blocks * (plan.costSeconds + BLOCK_OVERHEAD_SECONDS);
}

/** The only list of a plan is the swept factor's, so `index` counts its points. */
function at<Value extends string | number | boolean>(
  value: Value | readonly Value[],
  index: number,
): Value {
  if (typeof value !== "object") return value;
  const chosen = value[index];
  if (chosen === undefined) throw new RangeError(`a sweep has no point ${index}`);
  return chosen;
}
