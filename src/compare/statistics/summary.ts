/** The middle of `values`, which it sorts in place; the mean of the two middle ones when even. */
export function medianInPlace(values: Float64Array): number {
  const { length } = values;
  if (length === 0) return Number.NaN;
  values.sort();
  const upper = values[length >> 1] ?? Number.NaN;
  if (length % 2 === 1) return upper;
  return ((values[(length >> 1) - 1] ?? Number.NaN) + upper) / 2;
}

/** The middle of `values`, which stay as they are; `NaN` when there are none. */
export function median(values: Iterable<number>): number {
  return medianInPlace(Float64Array.from(values));
}

/** The arithmetic mean; `NaN` of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The unbiased variance (n − 1); `NaN` of fewer than two. */
export function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}
