/** In a `u` expression a surrogate pair is one character, so only a lone surrogate is of class Cs. */
const LONE_SURROGATE = /\p{Cs}/u;

const encoder = new TextEncoder();

/** Whether the text holds half of a surrogate pair, which UTF-8 cannot carry (RFC 3629 §3). */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

/** The text as UTF-8, or `null` when it holds a lone surrogate. */
export function encodeUtf8(text: string): Uint8Array | null {
  return hasLoneSurrogate(text) ? null : encoder.encode(text);
}

/** Bytes the text takes as UTF-8; a lone surrogate counts as the three bytes of U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    if (code < 0xd800 || code > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    // A pair is two units and four bytes: two are added for its first unit, none for its second.
    if (next >= 0xdc00 && next <= 0xdfff) i += 1;
  }
  return bytes;
}

/**
 * Bytes of the well-formed sequence that begins at `index` with a byte of 0x80 or more: 2, 3 or 4;
 * 0 when it is malformed. Overlong forms, surrogates and code points past U+10FFFF are malformed
 * (RFC 3629 §4).
 */
export function sequenceLength(bytes: Uint8Array, index: number): 0 | 2 | 3 | 4 {
  const lead = bytes[index] ?? 0;
  const second = bytes[index + 1] ?? 0;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return isContinuation(second) ? 2 : 0;
  // The first and last leads of three and of four bytes narrow the range of the second byte.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  if (!isContinuation(bytes[index + 2] ?? 0)) return 0;
  if (lead < 0xf0) return 3;
  return isContinuation(bytes[index + 3] ?? 0) ? 4 : 0;
}

/** Whether the bytes are well-formed UTF-8 (RFC 3629 §4). */
export function isUtf8(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; ) {
    if ((bytes[i] ?? 0) < 0x80) {
      i += 1;
      continue;
    }
    const length = sequenceLength(bytes, i);
    if (length === 0) return false;
    i += length;
  }
  return true;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
