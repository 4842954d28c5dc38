import {
  BLOCK_BYTES,
  blockCount,
  CHUNK_VERSION,
  FOOTER_BYTES,
  TABLE_ENTRY_BYTES,
} from "./chunk-format.ts";
import { crc32 } from "./crc32.ts";
import { acceptedAtOf, readRecord, recordEnd, type StoredRecord } from "./log-record.ts";
import { CorruptedError } from "./store-fault.ts";

/**
 * A chunk as it was read from the disk. Its table is checked at once, its records when they are
 * read; everything throws {@link CorruptedError} at what was damaged.
 */
export class LogChunk {
  /** The key of the chunk. */
  readonly first: number;
  readonly last: number;
  readonly newestAcceptedAt: number;
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #recordsEnd: number;
  /** Blocks whose checksum was compared; all of a chunk are read by a reader of everything. */
  readonly #checked: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const view = this.#view;
    const footer = bytes.length - FOOTER_BYTES;
    if (footer < 0) throw new CorruptedError("a chunk of the log is cut off");
    const version = view.getUint32(footer + 32, true);
    if (version !== CHUNK_VERSION) {
      throw new CorruptedError(`a chunk of the log has version ${version}`);
    }
    this.first = view.getFloat64(footer, true);
    this.last = view.getFloat64(footer + 8, true);
    this.newestAcceptedAt = view.getFloat64(footer + 16, true);
    this.count = view.getUint32(footer + 24, true);
    this.#recordsEnd = view.getUint32(footer + 28, true);
    const blocks = blockCount(this.#recordsEnd);
    const tableEnd = this.#recordsEnd + this.count * TABLE_ENTRY_BYTES;
    if (tableEnd + blocks * 4 !== footer) {
      throw new CorruptedError("a chunk of the log has not the size its footer says");
    }
    const covered = bytes.subarray(this.#recordsEnd, bytes.length - 4);
    if (crc32(covered) !== view.getUint32(footer + 36, true)) {
      throw new CorruptedError(`the chunk at offset ${this.first} of the log is damaged`);
    }
    this.#checked = new Uint8Array(blocks);
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  offsetAt(index: number): number {
    return this.first + this.#view.getUint32(this.#entry(index) + 4, true);
  }

  topicIdAt(index: number): number {
    return this.#view.getUint32(this.#entry(index) + 8, true);
  }

  /** Where the message's record starts in the chunk. */
  startAt(index: number): number {
    return this.#view.getUint32(this.#entry(index), true);
  }

  payloadLengthAt(index: number): number {
    return this.#view.getUint32(this.#entry(index) + 12, true);
  }

  /** Bytes the message takes on disk, its place in the table included. */
  storedBytesAt(index: number): number {
    return this.#endAt(index) - this.startAt(index) + TABLE_ENTRY_BYTES;
  }

  acceptedAt(index: number): number {
    return acceptedAtOf(this.#view, this.startAt(index));
  }

  /** How many of its messages have offsets up to this one. */
  countThrough(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsetAt(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The message's record; its payload is a view of the chunk, or a copy. */
  recordAt(index: number, isCopy: boolean): StoredRecord {
    return this.#read(this.startAt(index), this.#endAt(index), this.offsetAt(index), isCopy);
  }

  #read(start: number, end: number, offset: number, isCopy: boolean): StoredRecord {
    const crcs = this.#recordsEnd + this.count * TABLE_ENTRY_BYTES;
    for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block += 1) {
      if (this.#checked[block] === 1) continue;
      checkBlock(
        this.#bytes,
        this.#recordsEnd,
        block,
        this.#view.getUint32(crcs + block * 4, true),
      );
      this.#checked[block] = 1;
    }
    return recordOf(this.#bytes, this.#view, start, end, offset, isCopy);
  }

  #entry(index: number): number {
    return this.#recordsEnd + index * TABLE_ENTRY_BYTES;
  }

  #endAt(index: number): number {
    return index + 1 < this.count ? this.startAt(index + 1) : this.#recordsEnd;
  }
}

/**
 * One record of a chunk whose start is known, without looking at the others: only its blocks are
 * checked. The payload is a copy. Throws {@link CorruptedError}.
 */
export function readOne(bytes: Uint8Array, start: number, offset: number): StoredRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const footer = bytes.length - FOOTER_BYTES;
  if (footer < 0) throw new CorruptedError("a chunk of the log is cut off");
  const recordsEnd = view.getUint32(footer + 28, true);
  const crcs = footer - blockCount(recordsEnd) * 4;
  if (crcs < recordsEnd) throw new CorruptedError("a chunk of the log has a damaged footer");
  const end = recordEnd(view, start, recordsEnd);
  for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block += 1) {
    checkBlock(bytes, recordsEnd, block, view.getUint32(crcs + block * 4, true));
  }
  return recordOf(bytes, view, start, end, offset, true);
}

function checkBlock(bytes: Uint8Array, recordsEnd: number, block: number, crc: number): void {
  const start = block * BLOCK_BYTES;
  const end = Math.min(recordsEnd, start + BLOCK_BYTES);
  if (crc32(bytes.subarray(start, end)) !== crc) {
    throw new CorruptedError("a block of logged messages is damaged");
  }
}

function recordOf(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  offset: number,
  isCopy: boolean,
): StoredRecord {
  const record =
    recordEnd(view, start, end) === end ? readRecord(bytes, view, start, isCopy) : null;
  if (record?.offset !== offset)
    throw new CorruptedError(`no message ${offset} where it should be`);
  return record;
}
