import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../../bus/store-port.ts";
import { LmdbPages, NO_PAGE, type PageEntry, readPageNumber } from "./lmdb-pages.ts";
import { RecordError } from "./record-error.ts";
import { decodeSchema, SCHEMA_KEY } from "./schema-record.ts";

/** What lmdb calls its file in a directory. */
export const DATA_FILE = "data.mdb";

/** Places in lmdb's meta page, format 2: `struct MDB_meta` in its `mdb.c`, after the page's header. */
const META = { flags: 18, magic: 24, version: 28, pageBytes: 48, fileFlags: 52 } as const;
const META_TREES = { free: 88, main: 136, lastPage: 144, transaction: 152, end: 168 } as const;

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const IS_META_PAGE = 0x08;
/** The transaction may not have reached the disk; lmdb-js then starts from the one before it. */
const IS_UNFLUSHED = 0x1000;
/** Where the root of a table stands in its entry in the main tree: `md_root` of `struct MDB_db`. */
const TABLE_ROOT = 40;
const TABLE_BYTES = 48;

/** A version of our schema, nothing, or what is not ours. */
type Found = number | null | typeof FOREIGN;

const FOREIGN = "foreign";

interface Meta {
  readonly freeRoot: number;
  readonly mainRoot: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly isFlushed: boolean;
}

/**
 * Looks at the data file before lmdb maps it, and changes nothing. Returns the version of its schema,
 * or `null` when nothing is in it or it does not exist. Throws a `StoreError` for a file that is not
 * lmdb's, not ours, or shorter than its meta pages say: to touch a page that is missing would kill
 * the process without a word.
 */
export function inspectDataFile(directory: string): number | null {
  const path = join(directory, DATA_FILE);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new StoreError(`the store's file ${path} cannot be read: ${textOf(error)}`, {
      cause: error,
    });
  }
  try {
    const { size } = fstatSync(fd);
    return size === 0 ? null : inspect(fd, size);
  } catch (error) {
    throw new StoreError(`the store's file ${path} ${textOf(error)}${ADVICE}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}

const ADVICE = "; restore it from a backup, or name another directory";

function inspect(fd: number, size: number): number | null {
  const pageBytes = readPageBytes(fd);
  if (size < 2 * pageBytes) throw new RecordError(`is cut off after ${size} bytes`);
  const metas = [readMeta(fd, 0), readMeta(fd, pageBytes)];
  metas.sort((a, b) => b.transaction - a.transaction);
  const [newest, other] = metas;
  if (newest === undefined || other === undefined) throw new RecordError("has no meta pages");
  const filePages = Math.floor(size / pageBytes);
  const open = (): LmdbPages => new LmdbPages(fd, pageBytes, size);
  const found = readFrom(open, newest, filePages, newest.isFlushed ? null : other);
  if (found === FOREIGN) throw new RecordError("is an lmdb file of another program");
  return found;
}

/** What the newest transaction holds, or the one before it where the newest may be incomplete. */
function readFrom(open: () => LmdbPages, meta: Meta, filePages: number, older: Meta | null): Found {
  try {
    checkLength(open(), meta, filePages);
    return readSchema(open(), meta);
  } catch (error) {
    if (older === null) throw error;
    return readFrom(open, older, filePages, null);
  }
}

function readPageBytes(fd: number): number {
  const meta = readAt(fd, 0);
  const isLmdb =
    (meta.readUInt16LE(META.flags) & IS_META_PAGE) !== 0 && meta.readUInt32LE(META.magic) === MAGIC;
  if (!isLmdb) throw new RecordError("is no lmdb file");
  const format = meta.readUInt32LE(META.version) & 0xffff;
  if (format !== FORMAT) {
    throw new RecordError(`has lmdb format ${format}; this version reads ${FORMAT}`);
  }
  const pageBytes = meta.readUInt32LE(META.pageBytes);
  const isPower = pageBytes >= 256 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0;
  if (!isPower) throw new RecordError(`has pages of ${pageBytes} bytes`);
  return pageBytes;
}

function readMeta(fd: number, start: number): Meta {
  const meta = readAt(fd, start);
  return {
    freeRoot: readPageNumber(meta, META_TREES.free),
    mainRoot: readPageNumber(meta, META_TREES.main),
    lastPage: readPageNumber(meta, META_TREES.lastPage),
    transaction: readPageNumber(meta, META_TREES.transaction),
    isFlushed: (meta.readUInt16LE(META.fileFlags) & IS_UNFLUSHED) === 0,
  };
}

function readAt(fd: number, start: number): Buffer {
  const bytes = Buffer.alloc(META_TREES.end);
  const count = readSync(fd, bytes, 0, bytes.length, start);
  if (count < bytes.length) throw new RecordError("is too short for an lmdb file");
  return bytes;
}

/** A file may end before its last page only where all pages beyond its end are free. */
function checkLength(pages: LmdbPages, meta: Meta, filePages: number): void {
  if (meta.lastPage < filePages) return;
  const missing = meta.lastPage + 1 - filePages;
  if (countFreePages(pages, meta, filePages) >= missing) return;
  throw new RecordError(`is cut off: it has ${filePages} of ${meta.lastPage + 1} pages`);
}

/** Of the pages beyond the file's end; 0 when the list of free pages is there, too. */
function countFreePages(pages: LmdbPages, { freeRoot, lastPage }: Meta, filePages: number): number {
  let free = 0;
  try {
    for (const entry of pages.entries(freeRoot)) free += countFree(entry, filePages, lastPage);
  } catch (error) {
    if (error instanceof RecordError) return 0;
    throw error;
  }
  return free;
}

/**
 * Free pages from `low` to `high` in one list: their count, then page numbers, where a negative number
 * is the length of the block that starts at the next one and 0 an empty place (lmdb-js's `midl.c`).
 */
function countFree({ value }: PageEntry, low: number, high: number): number {
  let count = 0;
  for (let at = 8; at + 8 <= value.length; at += 8) {
    let number = Number(value.readBigInt64LE(at));
    let length = 1;
    if (number < 0 && at + 16 <= value.length) {
      at += 8;
      length = -number;
      number = Number(value.readBigInt64LE(at));
    }
    if (number === 0) continue;
    count += Math.max(0, Math.min(high, number + length - 1) - Math.max(low, number) + 1);
  }
  return count;
}

function readSchema(pages: LmdbPages, meta: Meta): Found {
  if (meta.mainRoot === NO_PAGE) return null;
  let isEmpty = true;
  for (const { key, value } of pages.entries(meta.mainRoot)) {
    const root = value.length === TABLE_BYTES ? readPageNumber(value, TABLE_ROOT) : null;
    // Tables that were just made: the process ended before it wrote its schema.
    if (root === NO_PAGE) continue;
    isEmpty = false;
    if (root === null || key.toString("latin1").replaceAll("\0", "") !== "meta") continue;
    for (const record of pages.entries(root)) {
      if (record.key.equals(SCHEMA_KEY)) return decodeSchema(record.value) ?? FOREIGN;
    }
  }
  return isEmpty ? null : FOREIGN;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
