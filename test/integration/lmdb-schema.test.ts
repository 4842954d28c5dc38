import { describe, expect, test } from "vitest";
import { StoreError } from "../../src/bus/store-port.ts";
import type { Environment, Write } from "../../src/store/lmdb/environment.ts";
import { encodeSchema, SCHEMA_KEY } from "../../src/store/lmdb/schema-record.ts";
import {
  bringToSchema,
  checkSchema,
  MIGRATIONS,
  type Migration,
  SCHEMA_VERSION,
} from "../../src/store/lmdb/schema-version.ts";
import { makeDirectory, openLmdb } from "../support/lmdb-kit.ts";

const STEP = 100;

/** An older layout: names were upper case. Layout 2 has them in lower case. */
const LOWER_CASE: Migration = {
  from: 1,
  nextStep: (environment) => {
    const writes: Write[] = [];
    for (const { key, value } of environment.entries("retained")) {
      const name = key.toString();
      if (name === name.toLowerCase()) continue;
      writes.push({ table: "retained", key, value: null });
      writes.push({ table: "retained", key: Buffer.from(name.toLowerCase()), value });
      if (writes.length >= STEP) break;
    }
    return writes;
  },
};

/** Layout 3 has a mark before each value. */
const MARKED: Migration = {
  from: 2,
  nextStep: (environment) => {
    const writes: Write[] = [];
    for (const { key, value } of environment.entries("retained")) {
      if (value[0] === 0xff) continue;
      writes.push({ table: "retained", key, value: Buffer.concat([Buffer.of(0xff), value]) });
      if (writes.length >= STEP) break;
    }
    return writes;
  },
};

async function openLayout1(names: number) {
  const kit = openLmdb(await makeDirectory());
  const writes: Write[] = [{ table: "meta", key: SCHEMA_KEY, value: encodeSchema(1) }];
  for (let i = 0; i < names; i += 1) {
    writes.push({ table: "retained", key: Buffer.from(`NAME ${i}`), value: Buffer.of(1) });
  }
  await kit.environment.commit(writes);
  return kit;
}

function namesIn(environment: Environment): Set<string> {
  return new Set([...environment.keys("retained")].map((key) => key.toString()));
}

async function refusalOf(promise: Promise<void>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error instanceof Error ? error.message : "";
}

describe("schema of the disk store", () => {
  test("a new store is marked with the current version, which the next process accepts", async () => {
    const directory = await makeDirectory();
    const first = openLmdb(directory);
    await bringToSchema(first.environment);
    await first.close();
    const { environment } = openLmdb(directory);
    await bringToSchema(environment);
    expect(environment.get("meta", SCHEMA_KEY)).toEqual(encodeSchema(SCHEMA_VERSION));
    expect(environment.commits).toBe(0);
  });

  test("a store of a later version is refused, and both versions are named", async () => {
    const { environment } = openLmdb(await makeDirectory());
    await bringToSchema(environment, SCHEMA_VERSION + 1);
    const text = await refusalOf(bringToSchema(environment));
    expect(text).toContain(`schema version ${SCHEMA_VERSION + 1}`);
    expect(text).toContain(`knows ${SCHEMA_VERSION}`);
    expect(() => checkSchema(SCHEMA_VERSION + 1)).toThrow(StoreError);
    checkSchema(null);
    checkSchema(SCHEMA_VERSION);
  });

  test("an older store is migrated version by version, in bounded steps", async () => {
    const { environment } = await openLayout1(350);
    environment.sizes.splice(0);
    await bringToSchema(environment, 3, [MARKED, LOWER_CASE]);
    expect(namesIn(environment)).toEqual(
      new Set(Array.from({ length: 350 }, (_, i) => `name ${i}`)),
    );
    for (const { value } of environment.entries("retained")) expect([...value]).toEqual([0xff, 1]);
    expect(environment.get("meta", SCHEMA_KEY)).toEqual(encodeSchema(3));
    expect(Math.max(...environment.sizes)).toBeLessThanOrEqual(STEP);
  });

  test("a migration that was cut off goes on where it was", async () => {
    const { environment } = await openLayout1(350);
    environment.failuresAfter = 3;
    await expect(bringToSchema(environment, 2, [LOWER_CASE])).rejects.toThrow();
    expect(environment.get("meta", SCHEMA_KEY)).toEqual(encodeSchema(1));
    await bringToSchema(environment, 2, [LOWER_CASE]);
    expect(namesIn(environment)).toEqual(
      new Set(Array.from({ length: 350 }, (_, i) => `name ${i}`)),
    );
    expect(environment.get("meta", SCHEMA_KEY)).toEqual(encodeSchema(2));
  });

  test("an older version without a migration is refused", async () => {
    const { environment } = await openLayout1(1);
    expect(await refusalOf(bringToSchema(environment, 3, [MARKED]))).toContain("schema version 1");
  });

  test("tables without a version, or with another program's mark, are refused", async () => {
    const { environment } = openLmdb(await makeDirectory());
    await environment.commit([{ table: "kept", key: Buffer.of(1), value: Buffer.of(1) }]);
    expect(await refusalOf(bringToSchema(environment))).toContain("another program");
    await environment.commit([{ table: "meta", key: SCHEMA_KEY, value: Buffer.from("v1") }]);
    expect(await refusalOf(bringToSchema(environment))).toContain("another program");
  });

  test("there is a migration from every earlier version", () => {
    const earlier = Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => i + 1);
    expect(MIGRATIONS.map(({ from }) => from)).toEqual(earlier);
  });
});
