import type { ChunkBuilder } from "./chunk-builder.ts";
import { indexKey } from "./log-keys.ts";
import { CorruptedError } from "./store-fault.ts";

/** Where one message of a topic is. */
export interface IndexedMessage {
  readonly offset: number;
  /** The key of its chunk, and where its record starts in it. */
  readonly chunk: number;
  readonly start: number;
  readonly payloadLength: number;
}

/** The messages of one topic in one chunk, as they stand in the index. */
export interface IndexWrite {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Three varints of at most five bytes for each message. */
const MAX_ENTRY_BYTES = 15;

/**
 * The index entries of a finished chunk, one for each of its topics: for each message offset − first
 * offset, start and payload bytes, so that reading one topic looks at nothing else.
 */
export class IndexEncoder {
  readonly #lastOf = new Map<number, number>();
  #previous = new Int32Array(0);

  encode(chunk: ChunkBuilder): IndexWrite[] {
    const { count } = chunk;
    if (this.#previous.length < count) this.#previous = new Int32Array(count * 2);
    const lastOf = this.#lastOf;
    lastOf.clear();
    for (let i = 0; i < count; i += 1) {
      const topicId = chunk.topicIds[i] ?? 0;
      this.#previous[i] = lastOf.get(topicId) ?? -1;
      lastOf.set(topicId, i);
    }
    const block = Buffer.allocUnsafeSlow(count * MAX_ENTRY_BYTES);
    const writes: IndexWrite[] = [];
    let at = 0;
    for (const [topicId, last] of lastOf) {
      const start = at;
      at = this.#writeTopic(chunk, last, block, at);
      writes.push({ key: indexKey(topicId, chunk.first), value: block.subarray(start, at) });
    }
    return writes;
  }

  /** Newest first, as the chain goes; read backwards. */
  #writeTopic(chunk: ChunkBuilder, last: number, block: Buffer, from: number): number {
    let at = from;
    for (let i = last; i >= 0; i = this.#previous[i] ?? -1) {
      at = writeVarint(block, at, (chunk.offsets[i] ?? 0) - chunk.first);
      at = writeVarint(block, at, chunk.starts[i] ?? 0);
      at = writeVarint(block, at, chunk.payloadLengths[i] ?? 0);
    }
    return at;
  }
}

/** The messages an index entry names, rising. Throws {@link CorruptedError}. */
export function decodeIndexEntry(chunk: number, value: Buffer): IndexedMessage[] {
  const found: IndexedMessage[] = [];
  const reader = { at: 0 };
  while (reader.at < value.length) {
    const offset = chunk + readVarint(value, reader);
    const start = readVarint(value, reader);
    found.push({ offset, chunk, start, payloadLength: readVarint(value, reader) });
  }
  return found.reverse();
}

function writeVarint(target: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 0x7f) {
    target[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
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
    if (reader.at >= source.length || factor > 2 ** 28) {
      throw new CorruptedError("an index entry of the log is damaged");
    }
    reader.at += 1;
    value += (byte & 0x7f) * factor;
  }
  return value;
}
