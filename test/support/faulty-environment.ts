import type { Entry, Range, Write } from "../../src/store/lmdb/environment.ts";
import { LmdbEnvironment } from "../../src/store/lmdb/lmdb-environment.ts";
import type { TableName } from "../../src/store/lmdb/tables.ts";

/** An error as the system gives it. */
export function systemError(code: number, text: string): Error {
  return Object.assign(new Error(text), { code });
}

/** The real environment, whose commits and reads fail when the test says so. */
export class FaultyEnvironment extends LmdbEnvironment {
  /** What commits reject with; `null` while they succeed. */
  commitFault: Error | null = null;
  /** What reads of the log throw; `null` while they succeed. */
  readFault: Error | null = null;
  /** Whether the files cannot be opened again after a failed commit: nothing can be read. */
  isAway = false;
  /** Whether commits wait for {@link release}. */
  isHolding = false;
  /** The most commits that were in flight at once. */
  mostInFlight = 0;
  #inFlight = 0;
  readonly #held: (() => void)[] = [];

  override async commit(writes: readonly Write[]): Promise<void> {
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    try {
      if (this.isHolding) await new Promise<void>((go) => this.#held.push(go));
      if (this.commitFault !== null) throw this.commitFault;
      await super.commit(writes);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Lets the commits go on that wait. */
  release(): void {
    this.isHolding = false;
    for (const go of this.#held.splice(0)) go();
  }

  override get isReadable(): boolean {
    return !this.isAway && super.isReadable;
  }

  override keys(table: TableName, range?: Range): Iterable<Buffer> {
    if (this.isAway) throw new Error(`table ${table} is not open`);
    return super.keys(table, range);
  }

  override get(table: TableName, key: Buffer): Buffer | undefined {
    this.#check(table);
    return super.get(table, key);
  }

  override view(table: TableName, key: Buffer): Uint8Array | undefined {
    this.#check(table);
    return super.view(table, key);
  }

  override entries(table: TableName, range?: Range): Iterable<Entry> {
    this.#check(table);
    return super.entries(table, range);
  }

  #check(table: TableName): void {
    if (this.isAway) throw new Error(`table ${table} is not open`);
    if (table === "log" && this.readFault !== null) throw this.readFault;
  }
}
