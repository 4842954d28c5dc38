import type { Interval } from "../statistics/interval.ts";

/** Digits that a figure keeps: an interval is rarely narrower than a hundredth of its estimate. */
const SIGNIFICANT_DIGITS = 3;

const TIME_UNITS = [
  ["s", 1e9],
  ["ms", 1e6],
  ["µs", 1e3],
  ["ns", 1],
] as const;

const BYTE_UNITS = [
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["B", 1],
] as const;

/** A duration in the unit that suits it: `85.2 µs`. */
export function duration(nanoseconds: number): string {
  const [unit, size] = unitFor(TIME_UNITS, nanoseconds);
  return `${rounded(nanoseconds / size)} ${unit}`;
}

/** A difference of durations with its sign: `+12 µs`, `−3.1 ms`. */
export function signedDuration(nanoseconds: number): string {
  const sign = nanoseconds > 0 ? "+" : "";
  return `${sign}${duration(nanoseconds)}`;
}

/** Both ends in one unit: `9.1 to 14.8 µs`. */
export function durationRange({ low, high }: Pick<Interval, "low" | "high">): string {
  const [unit, size] = unitFor(TIME_UNITS, Math.max(Math.abs(low), Math.abs(high)));
  return `${rounded(low / size)} to ${rounded(high / size)} ${unit}`;
}

/** An estimate with half the width of its interval, in one unit: `85.2 ± 1.4 µs`. */
export function durationWithin({
  estimate,
  low,
  high,
}: Pick<Interval, "estimate" | "low" | "high">): string {
  const [unit, size] = unitFor(TIME_UNITS, estimate);
  const half = Number(((high - low) / 2 / size).toPrecision(2));
  return `${rounded(estimate / size)} ± ${rounded(half)} ${unit}`;
}

/** An amount of bytes by powers of 1,000: `1.3 kB`. */
export function byteCount(bytes: number): string {
  const [unit, size] = unitFor(BYTE_UNITS, bytes);
  return `${rounded(bytes / size)} ${unit}`;
}

/** A share as per cent with its sign: `+30 %`. */
export function signedPercent(share: number): string {
  return `${share > 0 ? "+" : ""}${percent(share)}`;
}

export function percent(share: number): string {
  return `${rounded(share * 100)} %`;
}

/** A number to three significant digits, the sign of a negative one written as `−`. */
export function rounded(value: number): string {
  const kept = Math.abs(value) >= 1_000 ? Math.round(value) : precise(value);
  return kept.toLocaleString("en-US", { maximumFractionDigits: 9 }).replace("-", "−");
}

/** A p-value: small ones are only told to be small. */
export function chance(pValue: number): string {
  return pValue < 0.001 ? "< 0.001" : pValue.toFixed(3);
}

function precise(value: number): number {
  return Number(value.toPrecision(SIGNIFICANT_DIGITS));
}

function unitFor<Unit extends string>(
  units: readonly (readonly [Unit, number])[],
  value: number,
): readonly [Unit | "", number] {
  const magnitude = Math.abs(precise(value));
  return units.find(([, size]) => magnitude >= size) ?? units.at(-1) ?? ["", 1];
}
