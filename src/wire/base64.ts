import { ByteWriter } from "./byte-writer.ts";

/** RFC 4648 §4; its characters need no escape in JSON. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 0x3d;
const NOT_A_DIGIT = 0xff;

const DIGITS = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const VALUES = new Uint8Array(128).fill(NOT_A_DIGIT);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

/** Writes the bytes as padded base64 (RFC 4648 §4). */
export function writeBase64(out: ByteWriter, bytes: Uint8Array): void {
  const length = bytes.length;
  const whole = length - (length % 3);
  out.reserve(Math.ceil(length / 3) * 4);
  const buffer = out.buffer;
  let position = out.position;
  for (let i = 0; i < whole; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    buffer[position] = DIGITS[group >> 18] ?? 0;
    buffer[position + 1] = DIGITS[(group >> 12) & 0x3f] ?? 0;
    buffer[position + 2] = DIGITS[(group >> 6) & 0x3f] ?? 0;
    buffer[position + 3] = DIGITS[group & 0x3f] ?? 0;
    position += 4;
  }
  if (whole < length) {
    const hasTwo = length - whole === 2;
    const group = ((bytes[whole] ?? 0) << 16) | (hasTwo ? (bytes[whole + 1] ?? 0) << 8 : 0);
    buffer[position] = DIGITS[group >> 18] ?? 0;
    buffer[position + 1] = DIGITS[(group >> 12) & 0x3f] ?? 0;
    buffer[position + 2] = hasTwo ? (DIGITS[(group >> 6) & 0x3f] ?? 0) : PAD;
    buffer[position + 3] = PAD;
    position += 4;
  }
  out.position = position;
}

/** The bytes as padded base64 text (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  const out = new ByteWriter(Math.ceil(bytes.length / 3) * 4);
  writeBase64(out, bytes);
  return new TextDecoder().decode(out.view());
}

/** Bytes that base64 text of this many characters can hold at most. */
export function maxDecodedBytes(characters: number): number {
  return Math.floor(characters / 4) * 3;
}

/**
 * The bytes of padded base64 text, or `null` when it is not exactly that: another alphabet, white
 * space, missing padding or unused bits that are not zero (RFC 4648 §3). One value, one text.
 */
export function decodeBase64(text: string): Uint8Array | null {
  const length = text.length;
  if (length % 4 !== 0) return null;
  if (length === 0) return new Uint8Array(0);
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = length - padding;
  const bytes = new Uint8Array((length / 4) * 3 - padding);
  let group = 0;
  let position = 0;
  for (let i = 0; i < digits; i += 1) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (VALUES[code] ?? NOT_A_DIGIT) : NOT_A_DIGIT;
    if (value === NOT_A_DIGIT) return null;
    group = (group << 6) | value;
    if ((i & 3) !== 3) continue;
    bytes[position] = group >> 16;
    bytes[position + 1] = (group >> 8) & 0xff;
    bytes[position + 2] = group & 0xff;
    position += 3;
    group = 0;
  }
  if (padding === 1) {
    if ((group & 0x3) !== 0) return null;
    bytes[position] = group >> 10;
    bytes[position + 1] = (group >> 2) & 0xff;
  } else if (padding === 2) {
    if ((group & 0xf) !== 0) return null;
    bytes[position] = group >> 4;
  }
  return bytes;
}
