import type { Message, MessageDraft } from "../../bus/message.ts";
import type { Topic } from "../../bus/topic.ts";
import {
  BLOCK_BYTES,
  blockCount,
  CHUNK_VERSION,
  chunkBytes,
  FOOTER_BYTES,
  MAX_CHUNK_BYTES,
  MAX_CHUNK_RECORDS,
  TABLE_ENTRY_BYTES,
} from "./chunk-format.ts";
import { crc32 } from "./crc32.ts";
import { type EncodedParts, type Place, readRecord, writeRecord } from "./log-record.ts";

/**
 * Messages on their way to the disk. Its block is used again once the commit has ended, so nothing
 * that is read from it is handed out without being copied.
 */
export class ChunkBuilder {
  readonly offsets = new Float64Array(MAX_CHUNK_RECORDS);
  readonly starts = new Uint32Array(MAX_CHUNK_RECORDS);
  readonly topicIds = new Uint32Array(MAX_CHUNK_RECORDS);
  readonly payloadLengths = new Uint32Array(MAX_CHUNK_RECORDS);
  readonly #own: Buffer;
  #topics: Topic[] = [];
  #bytes: Buffer;
  #view: DataView;
  #count = 0;
  #end = 0;
  #newestAcceptedAt = 0;

  constructor() {
    this.#own = Buffer.allocUnsafeSlow(MAX_CHUNK_BYTES);
    this.#bytes = this.#own;
    this.#view = viewOf(this.#own);
  }

  get count(): number {
    return this.#count;
  }

  get first(): number {
    return this.offsets[0] ?? 0;
  }

  get last(): number {
    return this.offsets[this.#count - 1] ?? 0;
  }

  /** Whether a record of this size fits; an empty chunk takes any. */
  hasRoomFor(size: number): boolean {
    if (this.#count === 0) return true;
    if (this.#count === MAX_CHUNK_RECORDS) return false;
    return chunkBytes(this.#count + 1, this.#end + size) <= this.#bytes.length;
  }

  add(draft: MessageDraft, parts: EncodedParts, place: Place, size: number): void {
    const whole = chunkBytes(1, size);
    if (this.#count === 0 && whole > this.#own.length) this.#use(Buffer.allocUnsafeSlow(whole));
    const index = this.#count;
    writeRecord({ bytes: this.#bytes, view: this.#view }, this.#end, draft, parts, place);
    this.offsets[index] = place.offset;
    this.starts[index] = this.#end;
    this.topicIds[index] = place.topicId;
    this.payloadLengths[index] = draft.payload.length;
    this.#topics.push(draft.topic);
    this.#end += size;
    this.#count += 1;
    this.#newestAcceptedAt = place.acceptedAt;
  }

  /** The topic of the message at this place of the chunk. */
  topicAt(index: number): Topic | undefined {
    return this.#topics[index];
  }

  /** The place of an offset in the chunk; −1 for none. */
  indexOf(offset: number): number {
    return findOffset(this.offsets, this.#count, offset);
  }

  messageAt(index: number): Message | undefined {
    const topic = this.#topics[index];
    if (topic === undefined) return undefined;
    return readRecord(this.#bytes, this.#view, this.starts[index] ?? 0, true).toMessage(topic);
  }

  /** Writes the table and the footer; nothing can be added any more. A view of the block. */
  finish(): Buffer {
    const view = this.#view;
    const first = this.first;
    let at = this.#end;
    for (let i = 0; i < this.#count; i += 1, at += TABLE_ENTRY_BYTES) {
      view.setUint32(at, this.starts[i] ?? 0, true);
      view.setUint32(at + 4, (this.offsets[i] ?? 0) - first, true);
      view.setUint32(at + 8, this.topicIds[i] ?? 0, true);
      view.setUint32(at + 12, this.payloadLengths[i] ?? 0, true);
    }
    for (let i = 0; i < blockCount(this.#end); i += 1, at += 4) {
      const start = i * BLOCK_BYTES;
      const block = this.#bytes.subarray(start, Math.min(this.#end, start + BLOCK_BYTES));
      view.setUint32(at, crc32(block), true);
    }
    view.setFloat64(at, first, true);
    view.setFloat64(at + 8, this.last, true);
    view.setFloat64(at + 16, this.#newestAcceptedAt, true);
    view.setUint32(at + 24, this.#count, true);
    view.setUint32(at + 28, this.#end, true);
    view.setUint32(at + 32, CHUNK_VERSION, true);
    const covered = this.#bytes.subarray(this.#end, at + FOOTER_BYTES - 4);
    view.setUint32(at + 36, crc32(covered), true);
    return this.#bytes.subarray(0, at + FOOTER_BYTES);
  }

  /** Forgets its messages; a block of its own for a large one is left to the collector. */
  clear(): void {
    this.#count = 0;
    this.#end = 0;
    this.#topics = [];
    if (this.#bytes !== this.#own) this.#use(this.#own);
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

/** The place of an offset among `count` rising ones; −1 when it is not among them. */
export function findOffset(
  offsets: { readonly [index: number]: number },
  count: number,
  offset: number,
): number {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = offsets[middle] ?? 0;
    if (found === offset) return middle;
    if (found < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
