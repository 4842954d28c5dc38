import { medianInPlace } from "./summary.ts";

/** Differences of two readers over the messages that both received in one block. */
export interface PairedSummary {
  readonly count: number;
  /** Of the messages' differences: the typical message, whatever a few stalls did. */
  readonly median: number;
  /** Of the messages' differences: what the stalls add up to. */
  readonly mean: number;
}

/**
 * First minus second, message by message. `first` and `second` hold latencies by sequence, `NaN`
 * where a message did not come. What both share (the publisher's delay, the bus, a pause of the
 * gateway) cancels in each message. `null` when there is no message in common.
 */
export function pairedDifferences(first: Float64Array, second: Float64Array): PairedSummary | null {
  const differences = new Float64Array(Math.min(first.length, second.length));
  let count = 0;
  let sum = 0;
  for (let sequence = 0; sequence < differences.length; sequence += 1) {
    const difference = (first[sequence] ?? Number.NaN) - (second[sequence] ?? Number.NaN);
    if (Number.isNaN(difference)) continue;
    differences[count] = difference;
    count += 1;
    sum += difference;
  }
  if (count === 0) return null;
  return { count, median: medianInPlace(differences.subarray(0, count)), mean: sum / count };
}
