import { existsSync, statfsSync, statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { DATA_FILE } from "./data-file.ts";
import type { Entry, Environment, Range, Write } from "./environment.ts";
import { faultOf } from "./store-fault.ts";
import { TABLES, type TableName } from "./tables.ts";

type Table = Database<Buffer, Buffer>;

/** How the environment's files are written. */
export interface EnvironmentOptions {
  readonly directory: string;
  /**
   * Whether a commit ends when the disk has it. Otherwise it ends when the system has it, and the
   * disk follows; what survives a power cut is then an older state, never a mixed one.
   */
  readonly isFlushed: boolean;
}

/** Less than a commit under load writes at once. */
const FULL_BELOW_BYTES = 1_048_576;

/** Between two looks whether the open file is still the one in the directory; a look takes 5 µs. */
const FILE_CHECK_INTERVAL_MS = 1_000;

/** The tables in lmdb: one file, copy on write, one writer. */
export class LmdbEnvironment implements Environment {
  readonly #options: EnvironmentOptions;
  #root: RootDatabase<Buffer, Buffer> | null = null;
  #tables: ReadonlyMap<TableName, Table> = new Map();
  /** A commit failed, possibly in a way after which lmdb refuses every other one. */
  #isSuspect = false;
  /** What tells the file from one put in its place. */
  #file: string | null = null;
  #isFileFound = true;
  #fileCheckedAt = 0;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
  }

  /** Opens the files, or makes them. Throws what the disk does. */
  open(): void {
    // Its default, at a write over the limit of file sizes, is to end the process; so the write fails.
    process.off("SIGXFSZ", ignore);
    process.on("SIGXFSZ", ignore);
    this.#root = openRoot(this.#options);
    this.#tables = openTables(this.#root);
    this.#isSuspect = false;
    this.#file ??= this.#readFile();
  }

  get isReadable(): boolean {
    return this.#root !== null && !this.#isSuspect;
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#table(table).getBinary(key);
  }

  view(table: TableName, key: Buffer): Uint8Array | undefined {
    const found = this.#table(table).getBinaryFast(key);
    // Its length is that of the value, the memory behind it is longer.
    return found?.subarray(0, found.length);
  }

  entries(table: TableName, range: Range = {}): Iterable<Entry> {
    return this.#table(table).getRange(rangeOptions(range));
  }

  keys(table: TableName, range: Range = {}): Iterable<Buffer> {
    return this.#table(table).getKeys(rangeOptions(range));
  }

  count(table: TableName): number {
    const stats: unknown = this.#table(table).getStats();
    if (typeof stats !== "object" || stats === null || !("entryCount" in stats)) return 0;
    return typeof stats.entryCount === "number" ? stats.entryCount : 0;
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#checkFile();
    if (this.#isSuspect) await this.#reopen();
    const root = this.#root;
    if (root === null) throw new Error("the store is closed");
    try {
      await root.batch(() => {
        for (const { table, key, value } of writes) {
          // In a batch these promise nothing of their own.
          if (value === null) void this.#table(table).remove(key);
          else void this.#table(table).put(key, value);
        }
      });
    } catch (error) {
      this.#isSuspect = true;
      throw this.#withCause(await reasonOf(error));
    }
  }

  /** A write that was cut short is an I/O error for lmdb, whatever cut it short. */
  #withCause(reason: unknown): unknown {
    if (faultOf(reason).kind !== "io") return reason;
    const { bavail, bsize } = statfsSync(this.#options.directory);
    if (bavail * bsize > FULL_BELOW_BYTES) return reason;
    return Object.assign(new Error("no space left on device", { cause: reason }), {
      code: constants.errno.ENOSPC,
    });
  }

  readFileBytes(): number {
    const path = join(this.#options.directory, DATA_FILE);
    return existsSync(path) ? statSync(path).size : 0;
  }

  async close(): Promise<void> {
    const root = this.#root;
    this.#root = null;
    this.#tables = new Map();
    await root?.close();
    process.off("SIGXFSZ", ignore);
  }

  #table(name: TableName): Table {
    const found = this.#tables.get(name);
    if (found === undefined) throw new Error(`table ${name} is not open`);
    return found;
  }

  /**
   * lmdb refuses everything after a failed write of its meta page, and lmdb-js would wait for ever
   * for the refused transaction, so nothing is written before the environment was opened anew.
   */
  async #reopen(): Promise<void> {
    await this.close();
    this.open();
  }

  /**
   * Throws when the file was removed, or another one stands in its place: what is written to it nobody
   * would find, and what is opened in its place is another store. It stays open as long as it can, as
   * there is no other way to it.
   */
  #checkFile(): void {
    const now = performance.now();
    const isDue = now >= this.#fileCheckedAt + FILE_CHECK_INTERVAL_MS;
    if (this.#isFileFound && !this.#isSuspect && !isDue) return;
    this.#fileCheckedAt = now;
    this.#isFileFound = false;
    if (this.#readFile() !== this.#file) {
      throw new Error(
        `${this.#options.directory} holds another ${DATA_FILE} than was opened there`,
      );
    }
    this.#isFileFound = true;
  }

  #readFile(): string {
    const { dev, ino } = statSync(join(this.#options.directory, DATA_FILE), { bigint: true });
    return `${dev}/${ino}`;
  }
}

function ignore(): void {
  // What failed is told by the write.
}

function openRoot({ directory, isFlushed }: EnvironmentOptions): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    maxDbs: TABLES.length + 1,
    overlappingSync: !isFlushed,
    // With it, lmdb-js makes a second promise for each commit that nobody can hear: when the commit
    // fails, its rejection would end the process. Commits are batches of their own here.
    eventTurnBatching: false,
    // What is not in use any more must not stand in the files: payloads are nobody's business.
    noMemInit: false,
  });
}

function openTables(root: RootDatabase<Buffer, Buffer>): ReadonlyMap<TableName, Table> {
  return new Map(
    TABLES.map((name) => [
      name,
      root.openDB<Buffer, Buffer>({ name, encoding: "binary", keyEncoding: "binary" }),
    ]),
  );
}

function rangeOptions({ start, end, isReverse, limit }: Range) {
  return {
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(limit === undefined ? {} : { limit }),
    reverse: isReverse === true,
  };
}

/** lmdb-js rejects with "commit failed" and gives the reason by a second promise. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  const { commitError } = error;
  if (!(commitError instanceof Promise)) return error;
  return commitError.then(
    () => error,
    (reason: unknown) => reason,
  );
}
