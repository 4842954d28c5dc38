import { medianInPlace } from "./summary.ts";

/** Batches that a warm-up is cut into: enough for a trend, few enough that each is many messages. */
const BATCHES = 40;

/** No pair weighs more than one that varies by a thousandth, however steady it looks. */
const LEAST_NOISE = 1e-6;

/**
 * A warm-up as one series for the stationarity test: in each batch of messages, the mean over all
 * pairs of the batch's median in units of that pair's own median over the second half. Without that
 * unit a poller's wait of milliseconds would drown the microseconds of everyone else; and pairs
 * weigh by the inverse of their noise, or what a poller's chance does would hide their settling.
 *
 * `latencies` hold one pair each, by sequence, `NaN` where a message did not come. Empty when there
 * is less than one message a batch.
 */
export function warmUpBatches(latencies: readonly Float64Array[]): number[] {
  const length = Math.min(...latencies.map((pair) => pair.length));
  if (latencies.length === 0 || length < BATCHES) return [];
  const series = latencies.map((pair) => {
    const unit = medianOf(pair, length / 2, length);
    const values = Array.from({ length: BATCHES }, (_, batch) => {
      const value = medianOf(pair, (batch * length) / BATCHES, ((batch + 1) * length) / BATCHES);
      return value / unit;
    });
    return { values, weight: 1 / (noiseOf(values) + LEAST_NOISE) };
  });
  return Array.from({ length: BATCHES }, (_, batch) => {
    let sum = 0;
    let weights = 0;
    for (const { values, weight } of series) {
      const value = values[batch] ?? Number.NaN;
      if (!Number.isFinite(value * weight)) continue;
      sum += value * weight;
      weights += weight;
    }
    return sum / weights;
  });
}

/**
 * The median square of second differences: a steady trend has none, and a stall or a steep start
 * makes few. What is left is how much neighbours differ by chance.
 */
function noiseOf(values: readonly number[]): number {
  const at = (batch: number): number => values[batch] ?? Number.NaN;
  const squares = values
    .slice(2)
    .map((value, index) => (value - 2 * at(index + 1) + at(index)) ** 2)
    .filter(Number.isFinite);
  return medianInPlace(Float64Array.from(squares));
}

function medianOf(pair: Float64Array, from: number, to: number): number {
  const part = pair.subarray(Math.floor(from), Math.floor(to));
  return medianInPlace(part.filter((latency) => !Number.isNaN(latency)));
}
