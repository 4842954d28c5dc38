import { readSync } from "node:fs";
import { RecordError } from "./record-error.ts";

/** Sizes and flags of lmdb's file format 2: `struct MDB_page_header`, `MDB_node` in its `mdb.c`. */
const PAGE_HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;
const IS_BRANCH = 0x01;
const IS_LEAF = 0x02;
const IS_OVERFLOW = 0x04;
const HAS_BIG_DATA = 0x01;

/** A tree is at most this deep, and a file that claims more runs in a circle (lmdb's CURSOR_STACK). */
const MAX_DEPTH = 32;

/** The page number of a tree without a root. */
export const NO_PAGE = 2 ** 64;

/** An entry of one tree. */
export interface PageEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * Reads pages of an lmdb file without mapping it: where a mapped page is missing, the system kills
 * the process. Everything is checked; what does not fit throws a `RecordError`.
 */
export class LmdbPages {
  readonly #fd: number;
  readonly #pageBytes: number;
  readonly #fileBytes: number;
  /** Pages a look at the file may still read: as many as it has, since no tree has one twice. */
  #readsLeft: number;

  constructor(fd: number, pageBytes: number, fileBytes: number) {
    this.#fd = fd;
    this.#pageBytes = pageBytes;
    this.#fileBytes = fileBytes;
    this.#readsLeft = Math.ceil(fileBytes / pageBytes);
  }

  /** Every entry of the tree under a root page, in the order of the keys. */
  *entries(root: number, depth = 0): Generator<PageEntry> {
    if (root === NO_PAGE) return;
    if (depth > MAX_DEPTH) throw new RecordError(`has a tree deeper than ${MAX_DEPTH} pages`);
    const page = this.#page(root, 1);
    const flags = page.readUInt16LE(18);
    const count = page.readUInt16LE(20) >> 1;
    if ((flags & (IS_BRANCH | IS_LEAF)) === 0) {
      throw new RecordError(`has a tree over page ${root}, which is no page of a tree`);
    }
    for (let i = 0; i < count; i += 1) {
      const node = nodeAt(page, i);
      if ((flags & IS_BRANCH) === 0) yield this.#entry(node);
      else yield* this.entries(node.readUInt32LE(0) + node.readUInt16LE(4) * 2 ** 32, depth + 1);
    }
  }

  #entry(node: Buffer): PageEntry {
    const size = node.readUInt32LE(0);
    const key = cut(node, NODE_HEADER_BYTES, node.readUInt16LE(6));
    const at = NODE_HEADER_BYTES + key.length;
    if ((node.readUInt16LE(4) & HAS_BIG_DATA) === 0) return { key, value: cut(node, at, size) };
    const first = readPageNumber(cut(node, at, 8), 0);
    const count = Math.ceil((PAGE_HEADER_BYTES + size) / this.#pageBytes);
    const pages = this.#page(first, count);
    if ((pages.readUInt16LE(18) & IS_OVERFLOW) === 0) {
      throw new RecordError(`has a value on page ${first}, which is no page of values`);
    }
    return { key, value: cut(pages, PAGE_HEADER_BYTES, size) };
  }

  #page(number: number, count: number): Buffer {
    const start = number * this.#pageBytes;
    const bytes = count * this.#pageBytes;
    if (start + bytes > this.#fileBytes) {
      throw new RecordError(`needs page ${number}, which is beyond its end`);
    }
    if (this.#readsLeft === 0) throw new RecordError("has a tree that runs in a circle");
    this.#readsLeft -= 1;
    const page = Buffer.alloc(bytes);
    if (readSync(this.#fd, page, 0, bytes, start) !== bytes) {
      throw new RecordError(`needs page ${number}, which cannot be read`);
    }
    return page;
  }
}

/** A page number; {@link NO_PAGE} for none. */
export function readPageNumber(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function nodeAt(page: Buffer, index: number): Buffer {
  const pointer = PAGE_HEADER_BYTES + 2 * index;
  if (pointer + 2 > page.length) throw new RecordError("has a page with too many entries");
  const start = PAGE_HEADER_BYTES + page.readUInt16LE(pointer);
  if (start + NODE_HEADER_BYTES > page.length)
    throw new RecordError("has an entry that starts beyond its page");
  return page.subarray(start);
}

function cut(bytes: Buffer, start: number, length: number): Buffer {
  if (start + length > bytes.length)
    throw new RecordError("has an entry that reaches beyond its page");
  return bytes.subarray(start, start + length);
}
