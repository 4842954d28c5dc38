import { constants, existsSync } from "node:fs";
import { access, type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StoreError } from "../../bus/store-port.ts";

/** Stays in the directory for good: a file that is removed could be locked by two processes. */
const LOCK_FILE = "tributary.lock";

/** Only its owner may look into the directory: it holds what clients send each other. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** More than any pid has. */
const MAX_HOLDER_BYTES = 32;

/** A directory that no other process uses as its store, until it is released or this one ends. */
export interface DirectoryLock {
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * Makes the directory if it is missing and takes it for this process. The lock is the kernel's (of an
 * open file, not of a path): it ends with the process, however that ends, and leaves nothing to clean
 * up. Throws a `StoreError` that says who has the directory, or why it cannot be used.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const file = await openLockFile(directory);
  try {
    if (!(await tryLock(file))) throw await heldBy(directory, file);
    await file.truncate(0);
    await file.write(`${process.pid}\n`, 0);
  } catch (error) {
    await file.close();
    throw error instanceof StoreError ? error : unusable(directory, error);
  }
  let closed: Promise<void> | null = null;
  return {
    release: () => {
      closed ??= file.close();
      return closed;
    },
  };
}

async function openLockFile(directory: string): Promise<FileHandle> {
  try {
    await makeDirectory(resolve(directory));
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    return await open(join(directory, LOCK_FILE), flags, FILE_MODE);
  } catch (error) {
    throw unusable(directory, error);
  }
}

/**
 * Makes the directory and those above it. Not by `recursive: true`, which for ever tries again where
 * the system answers "no such file" for a directory whose parent exists, as in `/proc`.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (codeOf(error) === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (codeOf(error) !== "ENOENT" || parent === path || existsSync(parent)) throw error;
    await makeDirectory(parent);
    await makeDirectory(path);
  }
}

/** Loaded here, so that a platform without it can still run with the store in memory. */
async function tryLock(file: FileHandle): Promise<boolean> {
  const locks = await import("fs-native-extensions");
  return locks.tryLock(file.fd);
}

async function heldBy(directory: string, file: FileHandle): Promise<StoreError> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HOLDER_BYTES), 0, undefined, 0);
  const holder = /^(\d+)\n/.exec(buffer.toString("latin1", 0, bytesRead))?.[1];
  const who = holder === undefined ? "another process" : `the process with pid ${holder}`;
  return new StoreError(
    `the store in ${directory} is in use by ${who}; stop it, or give this one another store.dataDir`,
  );
}

function unusable(directory: string, error: unknown): StoreError {
  const reason = REASONS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
  return new StoreError(`the store's directory ${directory} cannot be used: ${reason}`, {
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there; change its owner or mode",
  EPERM: "this user may not write there; change its owner or mode",
  EROFS: "it is on a read-only file system",
  ENOENT: "the system makes no directory there",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a file has its name",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENAMETOOLONG: "its path is too long for the system",
  EMFILE: "this process has no file descriptors left",
  ENFILE: "the system has no file descriptors left",
  ELOOP: `${LOCK_FILE} in it is a symbolic link`,
};

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
