import { rename } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Filters } from "../../src/bus/filter-set.ts";
import type { QoS } from "../../src/bus/message.ts";
import { CorruptedError, faultOf } from "../../src/store/lmdb/store-fault.ts";
import type { LmdbStore } from "../../src/store/lmdb/lmdb-store.ts";
import { draft, filter } from "../support/bus-kit.ts";
import { FaultyEnvironment, systemError } from "../support/faulty-environment.ts";
import { openLmdbStore, RecordingObserver, temporaryDirectory } from "../support/lmdb-store.ts";

const FULL = systemError(constants.errno.ENOSPC, "No space left on device");
const ALL = { maxMessages: 1_000, maxBytes: 1_000_000 };

function append(store: LmdbStore, payload: string, qos: QoS = 1): Promise<number> {
  return new Promise((accepted, refused) => {
    store.log.append(draft("a", { payload, qos }), { accepted, refused });
  });
}

function read(store: LmdbStore, after: number, under = "a") {
  return store.log.read(new Filters([filter(under)]), after, ALL);
}

async function openFaulty({ tailMessages = 1_024, diskMessages = 1_000, stallMs = 60_000 } = {}) {
  const directory = await temporaryDirectory();
  const environment = new FaultyEnvironment({ directory, isFlushed: true });
  const observer = new RecordingObserver();
  const tail = { maxMessages: tailMessages, maxBytes: 1e6, maxAgeMs: Number.POSITIVE_INFINITY };
  const disk = { maxMessages: diskMessages, maxBytes: 1e9, maxAgeMs: Number.POSITIVE_INFINITY };
  const store = await openLmdbStore({ directory, environment, observer, tail, disk, stallMs });
  return { directory, environment, observer, store };
}

describe("a store whose disk fails", () => {
  test("refuses what it could not write, states the hole, and works again by itself", async () => {
    const { environment, observer, store } = await openFaulty();
    await append(store, "1");
    environment.commitFault = FULL;
    const lost = [append(store, "2"), append(store, "3")];
    for (const each of lost)
      await expect(each).rejects.toMatchObject({ code: "store_unavailable" });
    expect(observer.faults.map(({ kind }) => kind)).toContain("full");
    expect(store.readState().fault?.kind).toBe("full");
    expect(() => store.log.append(draft("a", { qos: 1 }), null)).toThrow(
      expect.objectContaining({ code: "store_unavailable" }),
    );
    expect(await append(store, "4", 0)).toBe(4);
    expect(Buffer.from(store.log.at(2)?.payload ?? []).toString()).toBe("2");
    expect(read(store, 0)).toEqual({ offsets: [1], through: 1, gap: null });
    expect(read(store, 1).gap).toEqual({ reason: "store", earliest: 4 });
    expect(read(store, 3).offsets).toEqual([4]);
    environment.commitFault = null;
    await vi.waitFor(() => expect(observer.heals).toBe(1), { timeout: 5_000 });
    expect(await append(store, "5")).toBe(5);
    expect(store.readState().fault).toBeNull();
  });

  test("remembers holes over a restart", async () => {
    const { directory, environment, observer, store } = await openFaulty();
    await append(store, "1");
    environment.commitFault = FULL;
    await expect(append(store, "2")).rejects.toMatchObject({ code: "store_unavailable" });
    environment.commitFault = null;
    await vi.waitFor(() => expect(observer.heals).toBe(1), { timeout: 5_000 });
    await append(store, "3");
    await store.close();
    const again = await openLmdbStore({ directory });
    expect(read(again, 0)).toEqual({ offsets: [1], through: 1, gap: null });
    expect(read(again, 1).gap).toEqual({ reason: "store", earliest: 3 });
    expect(read(again, 2).offsets).toEqual([3]);
  });

  test("keeps what is noted for sessions until it can be written", async () => {
    const { directory, environment, observer, store } = await openFaulty();
    environment.commitFault = FULL;
    const session = store.sessions.create("client/x", Buffer.from("state"));
    session.push({ sequence: 1, offset: 7, qos: 1, isRetained: false, subscriptionIds: [] });
    await expect(
      new Promise<void>((done, failed) => {
        store.sessions.whenDurable((refusal) => (refusal === null ? done() : failed(refusal)));
      }),
    ).rejects.toMatchObject({ code: "store_unavailable" });
    environment.commitFault = null;
    await vi.waitFor(() => expect(observer.heals).toBe(1), { timeout: 5_000 });
    await store.close();
    const again = await openLmdbStore({ directory });
    const restored = [...again.sessions.restore()];
    expect(restored.map(({ name, entries }) => [name, entries.map((e) => e.offset)])).toEqual([
      ["client/x", [7]],
    ]);
  });

  test("states a gap where it cannot read, and serves the rest", async () => {
    const { environment, observer, store } = await openFaulty({ tailMessages: 1 });
    for (const each of ["1", "2", "3"]) await append(store, each);
    environment.readFault = new CorruptedError("a block is damaged");
    const page = read(store, 0, "+");
    expect(page.gap?.reason).toBe("store");
    expect(page.gap?.earliest).toBeGreaterThan(1);
    expect(store.log.at(1)).toBeUndefined();
    expect(observer.faults.at(-1)?.kind).toBe("corrupted");
    environment.readFault = null;
    expect(read(store, 0).offsets).toEqual([1, 2, 3]);
    expect(store.readState().fault).toBeNull();
  });

  test("does not take a log that cannot be read for one that is empty", async () => {
    const { environment, store } = await openFaulty({ tailMessages: 1, diskMessages: 3 });
    for (const each of ["1", "2", "3"]) await append(store, each);
    environment.readFault = systemError(constants.errno.EIO, "Input/output error");
    // Retention would go on with the next chunk, and has to wait until it can be read.
    await append(store, "4");
    expect(store.log.firstOffset).toBe(1);
    environment.readFault = null;
    expect(store.log.firstOffset).toBe(2);
    expect(read(store, 1).offsets).toEqual([2, 3, 4]);
    expect(store.readState()).toMatchObject({ logMessages: 3, fault: null });
  });

  test("refuses, and says why, while the disk hangs, and answers what it had taken when it ends", async () => {
    const { environment, observer, store } = await openFaulty({ stallMs: 20 });
    environment.isHolding = true;
    const waiting = append(store, "1");
    await vi.waitFor(() => expect(store.readState().fault?.text).toContain("has not ended"));
    expect(observer.faults.map(({ kind }) => kind)).toEqual(["io"]);
    await expect(append(store, "2")).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await append(store, "3", 0)).toBe(2);
    environment.release();
    expect(await waiting).toBe(1);
    expect([store.readState().fault, observer.heals]).toEqual([null, 1]);
    expect(await append(store, "4")).toBe(3);
  });

  test("does not acknowledge into a file that was removed, and goes on when it is back", async () => {
    const { directory, observer, store } = await openFaulty({ tailMessages: 1 });
    await append(store, "1");
    await rename(join(directory, "data.mdb"), join(directory, "elsewhere"));
    const isRefused = () =>
      expect(append(store, "2")).rejects.toMatchObject({ code: "store_unavailable" });
    await vi.waitFor(isRefused, { timeout: 5_000 });
    expect(observer.faults.at(-1)?.text).toContain("data.mdb");
    // What is in the open file can still be read.
    expect(Buffer.from(store.log.at(1)?.payload ?? []).toString()).toBe("1");
    await rename(join(directory, "elsewhere"), join(directory, "data.mdb"));
    await vi.waitFor(() => expect(observer.heals).toBe(1), { timeout: 5_000 });
    await append(store, "3");
  });

  test("has one commit in flight while retention asks for the next", async () => {
    const { environment, store } = await openFaulty({ tailMessages: 1, diskMessages: 3 });
    for (let i = 0; i < 20; i += 1) await append(store, `${i}`);
    expect(environment.mostInFlight).toBe(1);
  });

  test("is congested while more waits for the disk than its bound, and says when that is over", async () => {
    const directory = await temporaryDirectory();
    const environment = new FaultyEnvironment({ directory, isFlushed: true });
    const store = await openLmdbStore({ directory, environment, maxPendingBytes: 1_000 });
    environment.isHolding = true;
    const waiting = [append(store, "x".repeat(800)), append(store, "y".repeat(800))];
    expect(store.log.isCongested).toBe(true);
    let isRelieved = false;
    store.log.whenRelieved(() => {
      isRelieved = true;
    });
    expect(isRelieved).toBe(false);
    await new Promise((turn) => setImmediate(turn));
    environment.release();
    await Promise.all(waiting);
    await vi.waitFor(() => expect(isRelieved).toBe(true));
  });

  test("reads messages that are on their way to the disk and not in memory any more", async () => {
    const { environment, store } = await openFaulty({ tailMessages: 1 });
    environment.isHolding = true;
    const waiting = ["1", "2", "3"].map((each) => append(store, each));
    await new Promise((turn) => setImmediate(turn));
    waiting.push(append(store, "4"));
    expect(read(store, 0).offsets).toEqual([1, 2, 3, 4]);
    expect(Buffer.from(store.log.at(1)?.payload ?? []).toString()).toBe("1");
    expect([store.log.sizeAt(2), store.log.topicAt(2)]).toEqual([1, "a"]);
    environment.release();
    expect(await Promise.all(waiting)).toEqual([1, 2, 3, 4]);
    expect(read(store, 0).offsets).toEqual([1, 2, 3, 4]);
  });
});

test.each([
  [constants.errno.EFBIG, "full"],
  [constants.errno.EROFS, "read_only"],
  [constants.errno.EIO, "io"],
  [constants.errno.EMFILE, "descriptors"],
  [-30_796, "corrupted"],
  [-30_792, "full"],
  [1_000_000, "other"],
])("error %d of the disk is called %s", (code, kind) => {
  expect(faultOf(systemError(code, "x")).kind).toBe(kind);
});
