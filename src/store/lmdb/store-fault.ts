import { constants } from "node:os";
import type { StoreFault, StoreFaultKind } from "../../bus/store-port.ts";

/** Something on the disk is not what was written there. */
export class CorruptedError extends Error {
  override readonly name = "CorruptedError";
}

/** Codes of lmdb (`lmdb.h`); those of the system are positive. */
const MDB_PAGE_NOTFOUND = -30_797;
const MDB_CORRUPTED = -30_796;
const MDB_INVALID = -30_793;
const MDB_MAP_FULL = -30_792;

const { errno } = constants;

const KINDS_BY_NUMBER: ReadonlyMap<number, StoreFaultKind> = new Map([
  [errno.ENOSPC, "full"],
  [errno.EFBIG, "full"],
  [errno.EDQUOT, "full"],
  [MDB_MAP_FULL, "full"],
  [errno.EROFS, "read_only"],
  [errno.EACCES, "read_only"],
  [errno.EPERM, "read_only"],
  [errno.EIO, "io"],
  [errno.EMFILE, "descriptors"],
  [errno.ENFILE, "descriptors"],
  [MDB_CORRUPTED, "corrupted"],
  [MDB_PAGE_NOTFOUND, "corrupted"],
  [MDB_INVALID, "corrupted"],
]);

const ADVICE: Readonly<Record<StoreFaultKind, string>> = {
  full: "the disk is full or a file limit is reached; free space or raise the limit",
  read_only: "the store's files cannot be written; check the mount and the permissions",
  io: "the disk reports an error, or a file limit cut a write short; check its health and the limits",
  corrupted: "the store's files are damaged; restore them from a backup",
  descriptors: "the process or the system is out of file descriptors; raise the limit",
  other: "the store failed",
};

/** What an error of the disk or of lmdb means for whoever runs the gateway. */
export function faultOf(error: unknown): StoreFault {
  const kind = kindOf(error);
  const reason = error instanceof Error ? error.message : String(error);
  return { kind, text: `${ADVICE[kind]}: ${reason}` };
}

/** A write that neither ends nor fails. */
export function stallFault(elapsedMs: number): StoreFault {
  const seconds = Math.round(elapsedMs / 1_000);
  return { kind: "io", text: `the disk has not ended a write for ${seconds} s; check its health` };
}

function kindOf(error: unknown): StoreFaultKind {
  if (error instanceof CorruptedError) return "corrupted";
  if (!(error instanceof Error)) return "other";
  const code = "code" in error ? error.code : undefined;
  if (typeof code === "number") {
    const known = KINDS_BY_NUMBER.get(code);
    if (known !== undefined) return known;
  }
  if (typeof code === "string") {
    const number = Object.entries(errno).find(([name]) => name === code)?.[1];
    const known = number === undefined ? undefined : KINDS_BY_NUMBER.get(number);
    if (known !== undefined) return known;
  }
  // lmdb-js gives some errors of the system by their text alone.
  for (const [part, kind] of KINDS_BY_TEXT) if (error.message.includes(part)) return kind;
  return "other";
}

const KINDS_BY_TEXT: readonly (readonly [string, StoreFaultKind])[] = [
  ["No space left", "full"],
  ["File too large", "full"],
  ["quota exceeded", "full"],
  ["MDB_MAP_FULL", "full"],
  ["Read-only file system", "read_only"],
  ["Permission denied", "read_only"],
  ["Input/output error", "io"],
  ["Too many open files", "descriptors"],
  ["MDB_CORRUPTED", "corrupted"],
  ["MDB_PAGE_NOTFOUND", "corrupted"],
  ["MDB_INVALID", "corrupted"],
];
