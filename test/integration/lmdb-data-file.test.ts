import { open, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open as openForeign } from "lmdb";
import { describe, expect, test } from "vitest";
import { StoreError } from "../../src/bus/store-port.ts";
import { DATA_FILE, inspectDataFile } from "../../src/store/lmdb/data-file.ts";
import { LmdbPages } from "../../src/store/lmdb/lmdb-pages.ts";
import { RecordError } from "../../src/store/lmdb/record-error.ts";
import { encodeSchema, SCHEMA_KEY } from "../../src/store/lmdb/schema-record.ts";
import { bringToSchema } from "../../src/store/lmdb/schema-version.ts";
import { makeDirectory, openLmdb } from "../support/lmdb-kit.ts";

const PAGE_BYTES = 4_096;

/** A directory with a store of some pages, and its file. */
async function makeStore({ isLazy = false, schema = 5 } = {}) {
  const directory = await makeDirectory();
  const { environment, close } = openLmdb(directory, { isLazy });
  await bringToSchema(environment, schema);
  for (let round = 0; round < 4; round += 1) {
    await environment.commit(
      Array.from({ length: 200 }, (_, i) => ({
        table: "retained" as const,
        key: Buffer.from(`${round} ${i}`),
        value: Buffer.alloc(i % 50 === 0 ? 9_000 : 300, round),
      })),
    );
  }
  await close();
  return { directory, file: join(directory, DATA_FILE) };
}

function refusalOf(directory: string): string {
  try {
    return `schema ${inspectDataFile(directory)}`;
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    return error instanceof Error ? error.message : "";
  }
}

/** The number of a page the newest transaction needs, last in the file. */
async function lastPage(file: string): Promise<number> {
  const { length } = await readFile(file);
  return length / PAGE_BYTES - 1;
}

describe("data file before it is mapped", () => {
  test("nothing, an empty file and a new environment hold no store yet", async () => {
    const directory = await makeDirectory();
    expect(inspectDataFile(directory)).toBeNull();
    await writeFile(join(directory, DATA_FILE), "");
    expect(inspectDataFile(directory)).toBeNull();
    await openLmdb(directory).close();
    expect(inspectDataFile(directory)).toBeNull();
  });

  test.each([false, true])("a whole file tells its schema (flushed lazily: %s)", async (isLazy) => {
    const { directory } = await makeStore({ isLazy });
    expect(inspectDataFile(directory)).toBe(5);
  });

  test("a file that is no lmdb file is refused", async () => {
    const directory = await makeDirectory();
    for (const size of [1, 100, 20_000]) {
      await writeFile(join(directory, DATA_FILE), Buffer.alloc(size, "x"));
      expect(refusalOf(directory)).toMatch(/is no lmdb file|is too short/);
    }
  });

  test("another program's lmdb file is refused, and left as it was", async () => {
    const directory = await makeDirectory();
    const foreign = openForeign({ path: directory, noSubdir: false });
    await foreign.put("key", "value");
    await foreign.close();
    const before = await readFile(join(directory, DATA_FILE));
    expect(refusalOf(directory)).toContain("another program");
    expect((await readFile(join(directory, DATA_FILE))).equals(before)).toBe(true);
  });

  test("another program's tables are refused, also one of the name of ours", async () => {
    const directory = await makeDirectory();
    const foreign = openForeign({ path: directory, noSubdir: false });
    await foreign.openDB({ name: "meta" }).put("schema", "1.2");
    await foreign.close();
    expect(refusalOf(directory)).toContain("another program");
  });

  test("a file cut off anywhere is refused: to touch a missing page kills the process", async () => {
    const { directory, file } = await makeStore();
    const pages = await lastPage(file);
    for (const size of [
      pages * PAGE_BYTES,
      pages * PAGE_BYTES + 100,
      9 * PAGE_BYTES,
      5_000,
      200,
      30,
    ]) {
      await truncate(file, size);
      expect(refusalOf(directory)).toMatch(/is cut off|is too short/);
    }
  });

  test("a cut file is refused also when its last commit had not reached the disk", async () => {
    const { directory, file } = await makeStore({ isLazy: true });
    await truncate(file, 9 * PAGE_BYTES);
    expect(refusalOf(directory)).toContain("cut off");
  });

  test("a shorter file whose missing pages are all free is whole", async () => {
    const { directory, file } = await makeStore();
    const pages = await lastPage(file);
    // The meta pages claim two more pages, which a block of the free list holds.
    const { freeList, meta } = await findFreeList(file);
    const handle = await open(file, "r+");
    const claim = Buffer.alloc(8);
    claim.writeBigUInt64LE(BigInt(pages + 2));
    await handle.write(claim, 0, 8, meta + 144);
    expect(refusalOf(directory)).toContain("cut off");
    const block = Buffer.alloc(16);
    block.writeBigInt64LE(-2n, 0);
    block.writeBigInt64LE(BigInt(pages + 1), 8);
    await handle.write(block, 0, 16, freeList + 8);
    await handle.close();
    expect(inspectDataFile(directory)).toBe(5);
  });

  test("noise in any page is refused or read, and never runs for ever", async () => {
    const { directory, file } = await makeStore();
    const whole = await readFile(file);
    for (let round = 0; round < 300; round += 1) {
      const damaged = Buffer.from(whole);
      for (let hit = 0; hit < 20; hit += 1) {
        const at = (round * 7_919 + hit * 104_729 * (round + 1)) % damaged.length;
        damaged[at] = (damaged[at] ?? 0) ^ (1 + ((round + hit) % 255));
      }
      await writeFile(file, damaged);
      expect(typeof refusalOf(directory)).toBe("string");
    }
  });

  test("a tree that runs in a circle ends", async () => {
    const file = join(await makeDirectory(), "circle");
    // One branch page whose hundred entries all lead to itself.
    const page = Buffer.alloc(PAGE_BYTES);
    page.writeUInt16LE(1, 18);
    page.writeUInt16LE(200, 20);
    for (let i = 0; i < 100; i += 1) page.writeUInt16LE(2_000, 24 + 2 * i);
    await writeFile(file, page);
    const handle = await open(file);
    const pages = new LmdbPages(handle.fd, PAGE_BYTES, PAGE_BYTES);
    expect(() => [...pages.entries(0)]).toThrow(RecordError);
    await handle.close();
  });

  test("what a later version wrote is told before anything is opened", async () => {
    const { directory } = await makeStore({ schema: 77 });
    expect(inspectDataFile(directory)).toBe(77);
    expect(SCHEMA_KEY.length + encodeSchema(77).length).toBeLessThan(100);
  });
});

/** Where the newest meta page is, and the first free list with room for two entries. */
async function findFreeList(file: string): Promise<{ meta: number; freeList: number }> {
  const bytes = await readFile(file);
  const transaction = (page: number): bigint => bytes.readBigUInt64LE(page * PAGE_BYTES + 152);
  const meta = transaction(0) > transaction(1) ? 0 : PAGE_BYTES;
  const root = Number(bytes.readBigUInt64LE(meta + 88)) * PAGE_BYTES;
  const count = bytes.readUInt16LE(root + 20) >> 1;
  for (let i = 0; i < count; i += 1) {
    const node = root + 24 + bytes.readUInt16LE(root + 24 + 2 * i);
    const size = bytes.readUInt32LE(node);
    const isInline = (bytes.readUInt16LE(node + 4) & 1) === 0;
    if (isInline && size >= 24) return { meta, freeList: node + 8 + bytes.readUInt16LE(node + 6) };
  }
  throw new Error("no free list with room");
}
