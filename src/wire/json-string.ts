import type { ByteWriter } from "./byte-writer.ts";
import { sequenceLength } from "./utf8.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Longest escape: `\u0000`, six bytes for one. */
const ESCAPE_BYTES = 6;

/**
 * Payload bytes written between two reservations. The reservation is for the worst case, so without
 * steps a payload of 1 MiB would ask for 6 MiB; 16 KiB asks for 96 KiB.
 */
const STEP_BYTES = 16_384;

/** For each byte that JSON escapes with one letter, that letter (RFC 8259 §7). */
const LETTERS = new Uint8Array(128);
for (const [code, letter] of [
  [0x08, "b"],
  [0x09, "t"],
  [0x0a, "n"],
  [0x0c, "f"],
  [0x0d, "r"],
  [QUOTE, '"'],
  [BACKSLASH, "\\"],
] as const) {
  LETTERS[code] = letter.charCodeAt(0);
}

/** `\u202` of an escape, without its last digit. */
const LINE_SEPARATOR = Uint8Array.from("\\u202", (character) => character.charCodeAt(0));

const LINE_SEPARATORS = /[\u2028\u2029]/g;

const HEX = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** Writes text as a JSON string; a lone surrogate becomes a `\u` escape, as JSON.stringify does. */
export function writeJsonText(out: ByteWriter, text: string): void {
  const length = text.length;
  out.reserve(length * ESCAPE_BYTES + 2);
  const buffer = out.buffer;
  let position = out.position;
  buffer[position] = QUOTE;
  position += 1;
  for (let i = 0; i < length; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) {
      out.position = position;
      writeWideText(out, text, i);
      return;
    }
    if (code >= 0x20 && code !== QUOTE && code !== BACKSLASH) {
      buffer[position] = code;
      position += 1;
    } else {
      position = putEscape(buffer, position, code);
    }
  }
  buffer[position] = QUOTE;
  out.position = position + 1;
}

/** The rest of a string that is not ASCII; rare in topics, so that the engine may take over. */
function writeWideText(out: ByteWriter, text: string, from: number): void {
  const rest = jsonLine(text.slice(from));
  out.utf8(rest.slice(1));
}

/**
 * Writes payload bytes as a JSON string in one pass that also checks them, and returns true; when
 * they are not well-formed UTF-8 it writes nothing and returns false. A byte order mark is kept.
 */
export function writeJsonUtf8(out: ByteWriter, bytes: Uint8Array): boolean {
  const start = out.position;
  out.byte(QUOTE);
  // Most payloads are plain from end to end: copying all at once costs less than byte by byte.
  out.bytes(bytes);
  const plain = plainLength(bytes);
  out.position = start + 1 + plain;
  for (let i = plain; i < bytes.length; ) {
    const end = Math.min(bytes.length, i + STEP_BYTES);
    // A sequence may end after the step it begins in; the room for one escape holds all of it.
    out.reserve((end - i) * ESCAPE_BYTES);
    i = writeStep(out, bytes, i, end);
    if (i < 0) {
      out.position = start;
      return false;
    }
  }
  out.byte(QUOTE);
  return true;
}

/** How many bytes from the start on are ASCII that JSON does not escape. */
function plainLength(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 || byte >= 0x80 || byte === QUOTE || byte === BACKSLASH) return i;
    i += 1;
  }
  return i;
}

/** Writes the bytes of one step; returns the index after it, or -1 when they are malformed. */
function writeStep(out: ByteWriter, bytes: Uint8Array, from: number, end: number): number {
  const buffer = out.buffer;
  let position = out.position;
  let i = from;
  while (i < end) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH) {
      buffer[position] = byte;
      position += 1;
      i += 1;
    } else if (byte < 0x80) {
      position = putEscape(buffer, position, byte);
      i += 1;
    } else {
      const length = sequenceLength(bytes, i);
      if (length === 0) return -1;
      if (isLineSeparator(bytes, i, length)) {
        position = putLineSeparator(buffer, position, bytes[i + 2] ?? 0);
        i += length;
        continue;
      }
      for (let k = 0; k < length; k += 1) buffer[position + k] = bytes[i + k] ?? 0;
      position += length;
      i += length;
    }
  }
  out.position = position;
  return i;
}

/**
 * Whether U+2028 or U+2029 begins here. JSON allows both, but readers that split text into lines
 * (Node's readline, Python's splitlines) end a line at them and would cut a message in two.
 */
function isLineSeparator(bytes: Uint8Array, at: number, length: number): boolean {
  return (
    length === 3 &&
    bytes[at] === 0xe2 &&
    bytes[at + 1] === 0x80 &&
    ((bytes[at + 2] ?? 0) & 0xfe) === 0xa8
  );
}

/** Writes `\u2028` or `\u2029`, by the last byte of its UTF-8 form; returns the position after. */
function putLineSeparator(buffer: Uint8Array, position: number, lastByte: number): number {
  for (let k = 0; k < LINE_SEPARATOR.length; k += 1) buffer[position + k] = LINE_SEPARATOR[k] ?? 0;
  buffer[position + LINE_SEPARATOR.length] = HEX[lastByte & 0xf] ?? 0;
  return position + ESCAPE_BYTES;
}

/** The JSON of a value, without the characters that end a line for some readers and not for JSON. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(LINE_SEPARATORS, (separator) =>
    separator === "\u2028" ? "\\u2028" : "\\u2029",
  );
}

/** Writes the escape of a control character, a quote or a backslash; returns the position after. */
function putEscape(buffer: Uint8Array, position: number, code: number): number {
  buffer[position] = BACKSLASH;
  const letter = LETTERS[code] ?? 0;
  if (letter !== 0) {
    buffer[position + 1] = letter;
    return position + 2;
  }
  buffer[position + 1] = 0x75;
  buffer[position + 2] = 0x30;
  buffer[position + 3] = 0x30;
  buffer[position + 4] = HEX[code >> 4] ?? 0;
  buffer[position + 5] = HEX[code & 0xf] ?? 0;
  return position + ESCAPE_BYTES;
}
