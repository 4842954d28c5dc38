import type { ByteWriter } from "./byte-writer.ts";

const ZERO = 0x30;
const POINT = 0x2e;

/** Digits of 2^53 − 1, the largest integer that every JSON reader keeps exactly (RFC 8259 §6). */
const MAX_DIGITS = 16;

/** 10^9 is below 2^31: digits up to it come from integer arithmetic, which is several times faster. */
const BILLION = 1_000_000_000;

/** Writes an integer of 0…2^53 − 1 in decimal. */
export function writeInteger(out: ByteWriter, value: number): void {
  out.reserve(MAX_DIGITS);
  if (value < BILLION) {
    putDigits(out, value | 0, digitsOf(value | 0));
    return;
  }
  const high = Math.floor(value / BILLION);
  putDigits(out, high, digitsOf(high));
  putDigits(out, (value - high * BILLION) | 0, 9);
}

/**
 * Writes milliseconds since the Unix epoch, fractional, rounded to the microsecond: at most three
 * decimals, none that are zero at the end. A double holds today's time to about 0.2 µs.
 */
export function writeMillis(out: ByteWriter, value: number): void {
  let whole = Math.floor(value);
  let micros = Math.round((value - whole) * 1_000);
  if (micros === 1_000) {
    whole += 1;
    micros = 0;
  }
  writeInteger(out, whole);
  if (micros === 0) return;
  out.byte(POINT);
  out.reserve(3);
  if (micros % 100 === 0) putDigits(out, micros / 100, 1);
  else if (micros % 10 === 0) putDigits(out, micros / 10, 2);
  else putDigits(out, micros, 3);
}

/** Writes an integer of 0…2^53 − 1 in base 36, as a cursor holds it. */
export function writeBase36(out: ByteWriter, value: number): void {
  // 36^11 is above 2^53, so that no value needs more than 11 digits.
  out.reserve(11);
  let digits = 1;
  for (let power = 36; power <= value; power *= 36) digits += 1;
  const buffer = out.buffer;
  let rest = value;
  for (let i = out.position + digits - 1; i >= out.position; i -= 1) {
    const next = Math.floor(rest / 36);
    const digit = rest - next * 36;
    buffer[i] = digit < 10 ? ZERO + digit : 0x57 + digit;
    rest = next;
  }
  out.position += digits;
}

/** Writes `count` digits of a value below 2^31, zeros in front. The room is reserved. */
function putDigits(out: ByteWriter, value: number, count: number): void {
  const buffer = out.buffer;
  let rest = value;
  for (let i = out.position + count - 1; i >= out.position; i -= 1) {
    const next = (rest / 10) | 0;
    buffer[i] = ZERO + (rest - next * 10);
    rest = next;
  }
  out.position += count;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; power <= value && digits < 10; power *= 10) digits += 1;
  return digits;
}
