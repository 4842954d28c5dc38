import { describe, expect, test } from "vitest";
import { Filters } from "../../src/bus/filter-set.ts";
import { LmdbEnvironment } from "../../src/store/lmdb/lmdb-environment.ts";
import type { LmdbStore, LmdbStoreOptions } from "../../src/store/lmdb/lmdb-store.ts";
import { SEGMENT_MESSAGES } from "../../src/store/lmdb/index-segment.ts";
import { MAX_PLAIN_KEY_BYTES } from "../../src/store/lmdb/topic-key.ts";
import { draft, filter } from "../support/bus-kit.ts";
import { openLmdbStore, temporaryDirectory } from "../support/lmdb-store.ts";
import { oracleMatches } from "../support/match-oracle.ts";

const TAIL = { maxMessages: 16, maxBytes: 1e6, maxAgeMs: Number.POSITIVE_INFINITY };
const FILTERS = [
  "#",
  "+",
  "+/x/#",
  "plant/+/7",
  "plant/3/+",
  "plant/#",
  "rare/once",
  "rare/#",
  "/+",
];

/** Most of one kind, some of a few, one or two of others. */
function topicOf(index: number): string {
  if (index % 9_973 === 5) return "rare/once";
  if (index % 5_003 === 6) return index % 2 === 0 ? "/empty" : "$hidden/x";
  if (index % 31 === 0) return `plant/${index % 7}/${index % 11}`;
  if (index % 97 === 0) return `${index % 13}/x/${"long/".repeat(500)}${index % 3}`;
  return `bulk/${index % 3}`;
}

async function fill(store: LmdbStore, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i += 2_000) {
    const batch = Array.from({ length: Math.min(2_000, from + count - i) }, (_, j) => {
      return new Promise<number>((accepted, refused) => {
        const receipt = { accepted, refused };
        store.log.append(draft(topicOf(i + j), { payload: `${i + j}`, qos: 1 }), receipt);
      });
    });
    await Promise.all(batch);
  }
}

/** Everything a filter finds, page by page. */
function findAll(store: LmdbStore, text: string): number[] {
  const filters = new Filters([filter(text)]);
  const found: number[] = [];
  const limits = { maxMessages: 256, maxBytes: 1_000_000 };
  for (let after = store.log.firstOffset - 1; after < store.log.lastOffset; ) {
    const page = store.log.read(filters, after, limits);
    expect(page.gap).toBeNull();
    expect(page.through).toBeGreaterThan(after);
    for (const offset of page.offsets) {
      expect(Buffer.from(store.log.at(offset)?.payload ?? []).toString()).toBe(`${offset}`);
      found.push(offset);
    }
    after = page.through;
  }
  return found;
}

function expectEveryFilter(store: LmdbStore): void {
  const { firstOffset, lastOffset } = store.log;
  for (const text of FILTERS) {
    const expected: number[] = [];
    for (let offset = firstOffset; offset <= lastOffset; offset += 1) {
      if (oracleMatches(text, topicOf(offset))) expected.push(offset);
    }
    expect(findAll(store, text)).toEqual(expected);
  }
}

describe("the index on disk", () => {
  const count = Math.floor(SEGMENT_MESSAGES * 2.5);

  async function open(options: Partial<LmdbStoreOptions> & { readonly directory: string }) {
    return openLmdbStore({ tail: TAIL, durability: "commit", ...options });
  }

  test("finds what each filter matches, in memory, on disk, and after a restart", async () => {
    const directory = await temporaryDirectory();
    const first = await open({ directory });
    await fill(first, 1, count);
    expectEveryFilter(first);
    await first.close();
    const second = await open({ directory });
    expectEveryFilter(second);
    await fill(second, count + 1, SEGMENT_MESSAGES);
    expectEveryFilter(second);
  });

  test("finds topics that are longer than a key before the wildcard", async () => {
    const store = await open({ directory: await temporaryDirectory() });
    const long = [MAX_PLAIN_KEY_BYTES - 2, MAX_PLAIN_KEY_BYTES, MAX_PLAIN_KEY_BYTES + 50];
    // More than is looked at one by one before the index is asked.
    await fill(store, 1, 2_000);
    for (const length of long) store.log.append(draft(`${"x".repeat(length)}/a`, { qos: 1 }), null);
    await fill(store, store.log.lastOffset + 1, 2_000);
    const limits = { maxMessages: 8, maxBytes: 1_000 };
    for (const [i, length] of long.entries()) {
      for (const rest of ["+", "#"]) {
        const filters = new Filters([filter(`${"x".repeat(length)}/${rest}`)]);
        expect(store.log.read(filters, 0, limits).offsets).toEqual([2_001 + i]);
      }
    }
  });

  test("leaves with the messages, and with it topics that have none", async () => {
    const directory = await temporaryDirectory();
    const disk = { maxMessages: 5_000, maxBytes: 1e9, maxAgeMs: Number.POSITIVE_INFINITY };
    const first = await open({ directory, disk });
    await fill(first, 1, count);
    expect(first.log.lastOffset - first.log.firstOffset + 1).toBe(5_000);
    expectEveryFilter(first);
    await first.close();
    const second = await open({ directory, disk });
    expect(second.readState().logMessages).toBe(5_000);
    for (let i = 0; i < 60; i += 1) await fill(second, count + 1 + i * 1_000, 1_000);
    expectEveryFilter(second);
    await second.close();
    const environment = new LmdbEnvironment({ directory, isFlushed: true });
    environment.open();
    const chunks = [...environment.keys("log")].length;
    const indexed = [...environment.keys("index")];
    await environment.close();
    expect(chunks).toBeLessThan(200);
    // Of two segments at most: 5,000 messages and those before them in theirs.
    expect(new Set(indexed.map((key) => key.readDoubleBE(0))).size).toBeLessThanOrEqual(2);
  });
});
