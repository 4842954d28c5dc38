import type { TableName } from "./tables.ts";

/** One change of a table; `null` deletes. */
export interface Write {
  readonly table: TableName;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** One entry of a table. */
export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A part of a table; without bounds all of it. */
export interface Range {
  /** The first key, itself included; in reverse the last one. */
  readonly start?: Buffer;
  /** Where to end, itself excluded. */
  readonly end?: Buffer;
  readonly isReverse?: boolean;
  readonly limit?: number;
}

/**
 * The disk under the store: tables and one atomic write at a time. The seam where tests put faults.
 * Reads see the last commit; they throw what the disk does.
 */
export interface Environment {
  /** Reads give what there is. Not so between a failed commit and the next that finds the files. */
  readonly isReadable: boolean;
  get(table: TableName, key: Buffer): Buffer | undefined;
  /** As {@link get}, but the bytes are only valid until the next read: half the cost of a large one. */
  view(table: TableName, key: Buffer): Uint8Array | undefined;
  /** In the order of the keys. To be finished or given up within the same turn of the event loop. */
  entries(table: TableName, range?: Range): Iterable<Entry>;
  /** Keys alone, which reads no values. */
  keys(table: TableName, range?: Range): Iterable<Buffer>;
  /** How many entries a table has. */
  count(table: TableName): number;
  /**
   * Writes all of it or nothing; resolves when it is as durable as the environment was opened for.
   * At most one is in flight.
   */
  commit(writes: readonly Write[]): Promise<void>;
  /** Bytes of the files. */
  readFileBytes(): number;
  close(): Promise<void>;
}
