import type { Plan } from "./plan.ts";
import { MIN_BLOCKS } from "./plan.ts";
import type { DeliveryCount } from "./statistics/sequence-oracle.ts";

/** What is known of a window beside its pairs. */
export interface RunCondition {
  /** Actual behind intended send time, 99th percentile, nanoseconds. */
  readonly sendDelayP99Ns: number;
  /** Delay of the load process's event loop, 99th percentile, nanoseconds. */
  readonly loopDelayP99Ns: number;
  /** Publishes that were refused or whose connection failed. */
  readonly publishFailures: number;
  /** What the first publish or connection that failed failed of; `null` when none did. */
  readonly firstFailure: string | null;
}

/** What is known of one block beside its pairs. */
export interface BlockCondition extends RunCondition {
  /** Messages sent later than the plan's limit behind their schedule. */
  readonly lateSends: number;
  /** Delay of the gateway's event loop, 99th percentile; `null` where it cannot be asked. */
  readonly gatewayLoopDelayP99Ns: number | null;
}

/** Of the blocks run, what may be void before the rest is a selection rather than a sample. */
export const MAX_VOID_SHARE = 0.25;

/**
 * Why the numbers of a run mean nothing; empty when they do. Lost messages void a run because the
 * slowest deliveries are the ones missing from its percentiles.
 */
export function voidReasons(
  plan: Pick<Plan, "validity">,
  condition: RunCondition,
  pairs: Iterable<DeliveryCount>,
): string[] {
  const reasons: string[] = [];
  let lost = 0;
  for (const pair of pairs) lost += pair.lost;
  const cause = condition.firstFailure === null ? "" : `, the first of: ${condition.firstFailure}`;
  if (condition.publishFailures > 0) {
    reasons.push(`${condition.publishFailures} publishes failed${cause}`);
  } else if (condition.firstFailure !== null) {
    reasons.push(`a connection failed: ${condition.firstFailure}`);
  }
  if (lost > 0) reasons.push(`${lost} messages were lost`);
  const { maxSendDelayMs, maxLoopDelayMs } = plan.validity;
  if (condition.sendDelayP99Ns > maxSendDelayMs * 1e6) {
    const delayMs = (condition.sendDelayP99Ns / 1e6).toFixed(1);
    reasons.push(
      `the sender ran ${delayMs} ms behind its schedule (p99); the limit is ${maxSendDelayMs} ms`,
    );
  }
  if (condition.loopDelayP99Ns > maxLoopDelayMs * 1e6) {
    const delayMs = (condition.loopDelayP99Ns / 1e6).toFixed(1);
    reasons.push(
      `the load process's own event loop was starved: ${delayMs} ms (p99); the limit is ${maxLoopDelayMs} ms`,
    );
  }
  return reasons;
}

/**
 * Why one block is void; empty when it stands. Where a plan breaks connections on purpose, loss is
 * its finding and voids nothing.
 */
export function blockVoidReasons(
  plan: Pick<Plan, "validity" | "experiment">,
  condition: BlockCondition,
  pairs: Iterable<DeliveryCount>,
): string[] {
  const isLossExpected = plan.experiment.kind === "reconnect";
  const judged = isLossExpected
    ? { ...condition, publishFailures: 0, firstFailure: null }
    : condition;
  const reasons = voidReasons(plan, judged, isLossExpected ? [] : pairs);
  const { maxGatewayLoopDelayMs } = plan.validity;
  const delayNs = condition.gatewayLoopDelayP99Ns ?? 0;
  if (delayNs > maxGatewayLoopDelayMs * 1e6) {
    const delayMs = (delayNs / 1e6).toFixed(1);
    reasons.push(
      `the gateway's event loop was ${delayMs} ms late (p99); the limit is ${maxGatewayLoopDelayMs} ms`,
    );
  }
  return reasons;
}

/** Why a result over blocks ranks nothing; empty when it stands. */
export function resultVoidReasons(blocks: {
  readonly valid: number;
  readonly void: number;
  /** Samples below 0 ns over all pairs: no message is received before it is sent. */
  readonly belowZero: number;
  /** Whether the warm-up had settled before the first block; `null` when it was too short to ask. */
  readonly isSettled: boolean | null;
}): string[] {
  const reasons: string[] = [];
  const total = blocks.valid + blocks.void;
  if (blocks.valid < MIN_BLOCKS) {
    reasons.push(`${blocks.valid} blocks stand; an interval needs ${MIN_BLOCKS}`);
  }
  if (blocks.void > total * MAX_VOID_SHARE) {
    reasons.push(`${blocks.void} of ${total} blocks are void; what is left is a selection`);
  }
  if (blocks.belowZero > 0) {
    reasons.push(`${blocks.belowZero} messages arrived before they were sent: the clocks disagree`);
  }
  if (blocks.isSettled === false) {
    reasons.push("latency had not settled when the warm-up ended");
  }
  return reasons;
}
