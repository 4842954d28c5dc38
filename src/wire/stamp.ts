/**
 * The instrument's stamp: which message this is and when it was sent, at the front of a payload.
 *
 * It is ASCII, so that JSON transports carry it as text like any other payload and pay for no
 * base64. A digit is one of 64 characters and holds 6 bits; none needs an escape in JSON.
 *
 *     magic 4 + run 6 + stream 6 + sequence 6 + intended 10 + sent 10 = 42 bytes
 *
 * 6 digits hold 36 bits, enough for 32. 10 digits hold 60 bits of nanoseconds, 36 years; a double
 * is exact to the nanosecond below 2^53 ns, which is 104 days, and to 2 ns for as long again.
 */
export interface Stamp {
  /** The run it belongs to: 0…2^32 − 1. */
  readonly run: number;
  /** Its publisher and pair within the run: 0…2^32 − 1. */
  readonly stream: number;
  /** Its place in the stream: 0…2^32 − 1. */
  readonly sequence: number;
  /** Intended send time, nanoseconds of a clock that both ends share. */
  readonly intendedNs: number;
  /** Actual send time, nanoseconds of the same clock. */
  readonly sentNs: number;
}

/** Bytes a stamp takes; the rest of the payload is filler. */
export const STAMP_BYTES = 42;

const MAGIC = "trb1";
const RUN_AT = 4;
const STREAM_AT = 10;
const SEQUENCE_AT = 16;
const INTENDED_AT = 22;
const SENT_AT = 32;

const UINT32_DIGITS = 6;
const TIME_DIGITS = 10;
const MAX_UINT32 = 0xffff_ffff;
/** The largest double below 2^60, where doubles are 128 apart. */
const MAX_TIME = 2 ** 60 - 128;

/** The URL-safe alphabet of RFC 4648 §5. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGITS = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const NOT_A_DIGIT = 64;
const VALUES = new Uint8Array(256).fill(NOT_A_DIGIT);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * A payload of `bytes` bytes, at least {@link STAMP_BYTES}, all filler. The filler walks through
 * the alphabet in steps of 25, which a general compressor shortens: for runs with permessage-deflate
 * bring your own.
 */
export function newStampPayload(bytes: number): Uint8Array {
  if (!Number.isSafeInteger(bytes) || bytes < STAMP_BYTES) {
    throw new RangeError(`payload of ${bytes} bytes; a stamp needs ${STAMP_BYTES}`);
  }
  return Uint8Array.from({ length: bytes }, (_, i) => DIGITS[(i * 25) & 63] ?? 0);
}

/** Writes the stamp over the first {@link STAMP_BYTES} bytes. Throws `RangeError` out of range. */
export function writeStamp(payload: Uint8Array, stamp: Stamp): void {
  if (payload.length < STAMP_BYTES) {
    throw new RangeError(`payload of ${payload.length} bytes; a stamp needs ${STAMP_BYTES}`);
  }
  for (let i = 0; i < MAGIC.length; i += 1) payload[i] = MAGIC.charCodeAt(i);
  putDigits(payload, RUN_AT, UINT32_DIGITS, stamp.run, MAX_UINT32);
  putDigits(payload, STREAM_AT, UINT32_DIGITS, stamp.stream, MAX_UINT32);
  putDigits(payload, SEQUENCE_AT, UINT32_DIGITS, stamp.sequence, MAX_UINT32);
  putDigits(payload, INTENDED_AT, TIME_DIGITS, stamp.intendedNs, MAX_TIME);
  putDigits(payload, SENT_AT, TIME_DIGITS, stamp.sentNs, MAX_TIME);
}

/** Writes the actual send time alone, as the last thing before the payload leaves. */
export function writeSentTime(payload: Uint8Array, sentNs: number): void {
  putDigits(payload, SENT_AT, TIME_DIGITS, sentNs, MAX_TIME);
}

/** The stamp at the front of a payload; `null` when there is none. */
export function readStamp(payload: Uint8Array): Stamp | null {
  if (payload.length < STAMP_BYTES) return null;
  for (let i = 0; i < MAGIC.length; i += 1) {
    if (payload[i] !== MAGIC.charCodeAt(i)) return null;
  }
  const run = takeDigits(payload, RUN_AT, UINT32_DIGITS);
  const stream = takeDigits(payload, STREAM_AT, UINT32_DIGITS);
  const sequence = takeDigits(payload, SEQUENCE_AT, UINT32_DIGITS);
  const intendedNs = takeDigits(payload, INTENDED_AT, TIME_DIGITS);
  const sentNs = takeDigits(payload, SENT_AT, TIME_DIGITS);
  if (run < 0 || stream < 0 || sequence < 0 || intendedNs < 0 || sentNs < 0) return null;
  if (run > MAX_UINT32 || stream > MAX_UINT32 || sequence > MAX_UINT32) return null;
  return { run, stream, sequence, intendedNs, sentNs };
}

function putDigits(
  payload: Uint8Array,
  start: number,
  count: number,
  value: number,
  max: number,
): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`stamp field ${value} is not an integer of 0…${max}`);
  }
  let rest = value;
  for (let i = start + count - 1; i >= start; i -= 1) {
    const next = Math.floor(rest / 64);
    payload[i] = DIGITS[rest - next * 64] ?? 0;
    rest = next;
  }
}

/** The value of the digits, or -1 when one of them is none. */
function takeDigits(payload: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i += 1) {
    const digit = VALUES[payload[i] ?? 0] ?? NOT_A_DIGIT;
    if (digit === NOT_A_DIGIT) return -1;
    value = value * 64 + digit;
  }
  return value;
}
