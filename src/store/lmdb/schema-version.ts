import { StoreError } from "../../bus/store-port.ts";
import type { Environment, Write } from "./environment.ts";
import { decodeSchema, encodeSchema, SCHEMA_KEY } from "./schema-record.ts";
import { TABLES } from "./tables.ts";

/** The layout of keys and records that this version of the program writes. */
export const SCHEMA_VERSION = 1;

/** Turns a store of one version into one of the next. */
export interface Migration {
  /** The version it begins with; it ends with the next one. */
  readonly from: number;
  /**
   * The writes of one step, at most a few thousand; none when the store has its new form, apart from
   * the version. Called again after each step, also by the next process when this one is killed
   * between two: so what is still in the old form is to be found by looking at it.
   */
  nextStep(environment: Environment): readonly Write[];
}

/** One for each version before {@link SCHEMA_VERSION}, rising. */
export const MIGRATIONS: readonly Migration[] = [];

/** Refuses a version that this program is too old for, before anything of it is touched. */
export function checkSchema(found: number | null, current = SCHEMA_VERSION): void {
  if (found === null || found <= current) return;
  throw new StoreError(
    `the store has schema version ${found}, and this program knows ${current}: it was written by a later version; run that one, or name another directory`,
  );
}

/**
 * Brings an open store to the current schema, version by version, and marks a new one with it.
 * Throws a `StoreError` for a store of a later version, or of an earlier one no migration begins with.
 */
export async function bringToSchema(
  environment: Environment,
  current = SCHEMA_VERSION,
  migrations = MIGRATIONS,
): Promise<void> {
  let version = readVersion(environment);
  checkSchema(version, current);
  if (version === null) {
    await environment.commit([versionIs(current)]);
    return;
  }
  while (version < current) {
    await migrate(environment, version, migrations);
    version += 1;
  }
}

async function migrate(
  environment: Environment,
  from: number,
  migrations: readonly Migration[],
): Promise<void> {
  const migration = migrations.find((each) => each.from === from);
  if (migration === undefined) {
    throw new StoreError(
      `the store has schema version ${from}, from which this program knows no way to its own, ${SCHEMA_VERSION}; run a version between the two on it first`,
    );
  }
  for (;;) {
    const writes = migration.nextStep(environment);
    if (writes.length === 0) break;
    await environment.commit(writes);
  }
  await environment.commit([versionIs(from + 1)]);
}

function readVersion(environment: Environment): number | null {
  const record = environment.get("meta", SCHEMA_KEY);
  const version = record === undefined ? null : decodeSchema(record);
  if (version !== null) return version;
  if (TABLES.every((table) => environment.count(table) === 0)) return null;
  throw new StoreError("the store has no schema version: its file was made by another program");
}

function versionIs(version: number): Write {
  return { table: "meta", key: SCHEMA_KEY, value: encodeSchema(version) };
}
