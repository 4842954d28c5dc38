import { CorruptedError } from "./store-fault.ts";

/** Where one message of a topic is. */
export interface IndexedMessage {
  readonly offset: number;
  /** The key of its chunk, and where its record starts in it. */
  readonly chunk: number;
  readonly start: number;
  readonly payloadLength: number;
}

/** Bytes of one message in an entry, at most: two varints of 53 bits and two of 32. */
export const MAX_INDEXED_BYTES = 26;

/**
 * Writes a message of an entry at `at` and returns where it ends: offset − the one before it (of the
 * first: the segment), offset − chunk, start, payload bytes.
 */
export function writeIndexed(
  target: Buffer,
  at: number,
  previous: number,
  { offset, chunk, start, payloadLength }: IndexedMessage,
): number {
  let end = writeVarint(target, at, offset - previous);
  end = writeVarint(target, end, offset - chunk);
  end = writeVarint(target, end, start);
  return writeVarint(target, end, payloadLength);
}

/** The messages of a topic in one segment, rising. Throws {@link CorruptedError}. */
export function decodeIndexEntry(segment: number, value: Buffer): IndexedMessage[] {
  const found: IndexedMessage[] = [];
  const reader = { at: 0 };
  let offset = segment;
  while (reader.at < value.length) {
    offset += readVarint(value, reader);
    const chunk = offset - readVarint(value, reader);
    const start = readVarint(value, reader);
    found.push({ offset, chunk, start, payloadLength: readVarint(value, reader) });
  }
  return found;
}

function writeVarint(target: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 0x7f) {
    // Bit operations would cut the number to 32 bits.
    target[at] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
    at += 1;
  }
  target[at] = rest;
  return at + 1;
}

function readVarint(source: Buffer, reader: { at: number }): number {
  let value = 0;
  let factor = 1;
  for (let byte = 0x80; byte > 0x7f; factor *= 128) {
    byte = source[reader.at] ?? 0;
    if (reader.at >= source.length || factor > 2 ** 49) {
      throw new CorruptedError("an index entry of the log is damaged");
    }
    reader.at += 1;
    value += (byte & 0x7f) * factor;
  }
  return value;
}
