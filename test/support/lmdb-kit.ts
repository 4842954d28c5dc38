import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { StoreObserver } from "../../src/bus/store-port.ts";
import { CommitQueue } from "../../src/store/lmdb/commit-queue.ts";
import type { Entry, Environment, Range, Write } from "../../src/store/lmdb/environment.ts";
import { LmdbEnvironment } from "../../src/store/lmdb/lmdb-environment.ts";
import type { TableName } from "../../src/store/lmdb/tables.ts";

/** A directory of its own, removed when the test is over. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tributary-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const NO_OBSERVER: StoreObserver = {
  committed: () => undefined,
  failed: () => undefined,
  healed: () => undefined,
};

/** An environment that counts what is written, and whose commits fail on demand. */
export class WatchedEnvironment implements Environment {
  readonly #inner: Environment;
  /** Commits that are still to fail, with an error of the disk. */
  failuresDue = 0;
  /** Commits that go well before one fails. */
  failuresAfter = Number.POSITIVE_INFINITY;
  commits = 0;
  /** How many writes each commit had. */
  readonly sizes: number[] = [];
  readonly writes: Write[] = [];

  constructor(inner: Environment) {
    this.#inner = inner;
  }

  get isReadable(): boolean {
    return this.#inner.isReadable;
  }

  get(table: TableName, key: Buffer): Buffer | undefined {
    return this.#inner.get(table, key);
  }

  view(table: TableName, key: Buffer): Uint8Array | undefined {
    return this.get(table, key);
  }

  entries(table: TableName, range?: Range): Iterable<Entry> {
    return this.#inner.entries(table, range);
  }

  keys(table: TableName, range?: Range): Iterable<Buffer> {
    return this.#inner.keys(table, range);
  }

  count(table: TableName): number {
    return this.#inner.count(table);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    if (this.failuresAfter === 0) {
      this.failuresAfter = Number.POSITIVE_INFINITY;
      this.failuresDue += 1;
    }
    this.failuresAfter -= 1;
    if (this.failuresDue > 0) {
      this.failuresDue -= 1;
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    }
    await this.#inner.commit(writes);
    this.commits += 1;
    this.sizes.push(writes.length);
    this.writes.push(...writes);
  }

  readFileBytes(): number {
    return this.#inner.readFileBytes();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** The tables of one directory on disk and the queue before them. */
export interface LmdbKit {
  readonly environment: WatchedEnvironment;
  readonly queue: CommitQueue;
  /** Resolves when everything noted so far is durable; rejects with the refusal when it is not. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a directory; closed when the test is over, if it was not before. */
export function openLmdb(directory: string, { isLazy = false } = {}): LmdbKit {
  const options = { directory, isFlushed: !isLazy };
  const inner = new LmdbEnvironment(options);
  inner.open();
  const environment = new WatchedEnvironment(inner);
  const now = () => performance.now();
  const queue = new CommitQueue({ environment, observer: NO_OBSERVER, now, isLazy });
  let closed: Promise<void> | null = null;
  const kit = {
    environment,
    queue,
    flushed: (): Promise<void> =>
      new Promise<void>((resolve, reject) => {
        queue.whenDurable((refusal) => (refusal === null ? resolve() : reject(refusal)));
      }),
    close: (): Promise<void> => {
      closed ??= queue.close().then(() => environment.close());
      return closed;
    },
  };
  onTestFinished(kit.close);
  return kit;
}
