import type { Plan } from "./plan.ts";
import type { PairRecord } from "./recorder.ts";

/** What is known of a run beside its pairs. */
export interface RunCondition {
  /** Actual behind intended send time, 99th percentile, nanoseconds. */
  readonly sendDelayP99Ns: number;
  /** Delay of the load process's event loop, 99th percentile, nanoseconds. */
  readonly loopDelayP99Ns: number;
  /** Publishes that were refused or whose connection failed. */
  readonly publishFailures: number;
}

/**
 * Why the numbers of a run mean nothing; empty when they do. Lost messages void a run because the
 * slowest deliveries are the ones missing from its percentiles.
 */
export function voidReasons(
  plan: Plan,
  condition: RunCondition,
  pairs: Iterable<PairRecord>,
): string[] {
  const reasons: string[] = [];
  let lost = 0;
  for (const pair of pairs) lost += pair.lost;
  if (condition.publishFailures > 0) {
    reasons.push(`${condition.publishFailures} publishes failed`);
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
