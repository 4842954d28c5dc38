import { describe, expect, test, vi } from "vitest";
import { LmdbEnvironment } from "../../src/store/lmdb/lmdb-environment.ts";
import type { LmdbStore } from "../../src/store/lmdb/lmdb-store.ts";
import { draft } from "../support/bus-kit.ts";
import { openLmdbStore, RecordingObserver, temporaryDirectory } from "../support/lmdb-store.ts";

const KEPT = 16;
const MESSAGES = 48;

function append(store: LmdbStore): Promise<number> {
  return new Promise((accepted, refused) => {
    store.log.append(draft("a", { payload: "x", qos: 1 }), { accepted, refused });
  });
}

async function openSmall() {
  const directory = await temporaryDirectory();
  const environment = new LmdbEnvironment({ directory, isFlushed: true });
  const observer = new RecordingObserver();
  const disk = { maxMessages: KEPT, maxBytes: 1e9, maxAgeMs: Number.POSITIVE_INFINITY };
  const store = await openLmdbStore({ directory, environment, observer, disk });
  return { environment, observer, store };
}

describe("what leaves the log on disk", () => {
  test("takes no commit of its own while messages come", async () => {
    const { environment, observer, store } = await openSmall();
    const before = observer.commits;
    for (let i = 0; i < MESSAGES; i += 1) await append(store);
    expect(observer.commits - before).toBe(MESSAGES);
    // A chunk a message; the last to leave waits for company.
    expect(environment.count("log")).toBeLessThanOrEqual(KEPT + 1);
  });

  test("is removed by itself when none come", async () => {
    const { environment, store } = await openSmall();
    for (let i = 0; i < MESSAGES; i += 1) await append(store);
    await vi.waitFor(() => expect(environment.count("log")).toBe(KEPT), { timeout: 5_000 });
  });
});
