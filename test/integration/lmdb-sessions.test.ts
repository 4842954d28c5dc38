import { describe, expect, test } from "vitest";
import type { RestoredSession } from "../../src/bus/session-store.ts";
import { StoreError } from "../../src/bus/store-port.ts";
import type { Write } from "../../src/store/lmdb/environment.ts";
import { LmdbSessions } from "../../src/store/lmdb/lmdb-sessions.ts";
import { runKey, SESSION_RECORDS, sessionKey } from "../../src/store/lmdb/session-keys.ts";
import { entry, owed, STATE } from "../conformance/session-store-contract.ts";
import { type LmdbKit, makeDirectory, openLmdb } from "../support/lmdb-kit.ts";

interface Bench extends LmdbKit {
  readonly directory: string;
  readonly sessions: LmdbSessions;
}

async function open(directory?: string): Promise<Bench> {
  const at = directory ?? (await makeDirectory());
  const kit = openLmdb(at);
  return { ...kit, directory: at, sessions: new LmdbSessions(kit.environment, kit.queue) };
}

async function reopen(bench: Bench): Promise<Bench & { restored: RestoredSession[] }> {
  await bench.close();
  const next = await open(bench.directory);
  return { ...next, restored: [...next.sessions.restore()] };
}

/** What the commits since the last call wrote, as `table` or `table -` for a deletion. */
function written({ environment }: Bench): string[] {
  const writes = environment.writes.splice(0);
  return writes.map(({ table, value }) => (value === null ? `${table} -` : table));
}

function sequences(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe("sessions in lmdb", () => {
  test("an entry and the message it owes are one commit", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    await bench.flushed();
    const commits = bench.environment.commits;
    session.push(entry(1));
    bench.queue.note("kept", Buffer.of(1), Buffer.from("the message"));
    await bench.flushed();
    expect(bench.environment.commits).toBe(commits + 1);
    const next = await reopen(bench);
    expect(next.restored.map(owed)).toEqual(["1"]);
    expect(next.environment.get("kept", Buffer.of(1))?.toString()).toBe("the message");
  });

  test("neither an entry nor its message is there when their commit failed", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    await bench.flushed();
    bench.environment.failuresDue = 1;
    session.push(entry(1));
    bench.queue.note("kept", Buffer.of(1), Buffer.from("the message"));
    await expect(bench.flushed()).rejects.toMatchObject({ code: "store_unavailable" });
    expect(bench.environment.count("sessionQueues")).toBe(0);
    expect(bench.environment.count("kept")).toBe(0);
  });

  test("entries of one group are one record, and go with the last of them", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    await bench.flushed();
    written(bench);
    for (const each of sequences(1, 300)) session.push(entry(each));
    await bench.flushed();
    expect(written(bench)).toEqual(["sessionQueues"]);
    for (const each of sequences(1, 299)) session.done(each);
    await bench.flushed();
    expect(written(bench)).toEqual(["sessions"]);
    session.done(300);
    await bench.flushed();
    expect(written(bench).sort()).toEqual(["sessionQueues -", "sessions"]);
    expect(bench.environment.count("sessionQueues")).toBe(0);
  });

  test("what is pushed and done within one group costs no record of its own", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    await bench.flushed();
    written(bench);
    for (const each of sequences(1, 1_000)) {
      session.push(entry(each));
      session.sent(each);
      session.done(each);
    }
    await bench.flushed();
    expect(written(bench)).toEqual(["sessions"]);
  });

  test("what was sent waits for a commit that has another reason, or for the end", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    session.push(entry(1));
    await bench.flushed();
    const commits = bench.environment.commits;
    session.sent(1);
    await bench.flushed();
    expect(bench.environment.commits).toBe(commits);
    expect((await reopen(bench)).restored.map(owed)).toEqual(["1!"]);
  });

  test("after a failed commit everything is written with the next one", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    await bench.flushed();
    bench.environment.failuresDue = 1;
    for (const each of sequences(1, 3)) session.push(entry(each, { qos: 2 }));
    session.done(2);
    session.addIncoming(9);
    await expect(bench.flushed()).rejects.toMatchObject({ code: "store_unavailable" });
    expect(session.durableThrough).toBe(0);
    session.push(entry(4));
    await bench.queue.close();
    expect(session.durableThrough).toBe(4);
    const { restored } = await reopen(bench);
    expect(restored.map(owed)).toEqual(["1 3 4"]);
    expect(restored[0]?.incoming).toEqual([9]);
  });

  test("what is received is forgotten with its entry", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    for (const each of sequences(1, 5_000)) {
      session.push(entry(each, { qos: 2 }));
      session.received(each);
      session.done(each);
    }
    await bench.flushed();
    const record = bench.environment.get("sessions", sessionKey(1, SESSION_RECORDS.progress));
    expect(record?.length).toBeLessThan(20);
  });

  test("a record without an entry that is owed is deleted by the next process", async () => {
    const bench = await open();
    const session = bench.sessions.create("client/a", STATE);
    session.push(entry(1));
    await bench.flushed();
    session.done(1);
    await bench.flushed();
    await bench.environment.commit([
      { table: "sessionQueues", key: runKey(1, 1), value: Buffer.of(2, 1) },
    ]);
    const next = await reopen(bench);
    expect(next.restored.map(owed)).toEqual([""]);
    next.restored[0]?.stored.save(STATE);
    await next.flushed();
    expect(next.environment.count("sessionQueues")).toBe(0);
  });

  test("a session of 10,000 records is forgotten at once and deleted in bounded steps", async () => {
    const bench = await open();
    const doomed = bench.sessions.create("client/a", STATE);
    await bench.flushed();
    // Written by hand: ten thousand groups would take their time.
    const writes: Write[] = sequences(1, 10_000).map((each) => ({
      table: "sessionQueues",
      key: runKey(1, each),
      value: Buffer.of(2, 1),
    }));
    doomed.delete();
    await bench.flushed();
    await bench.environment.commit([
      ...writes,
      {
        table: "sessions",
        key: sessionKey(1, SESSION_RECORDS.identity),
        value: Buffer.of(1, 97, 0),
      },
    ]);
    const next = await reopen(bench);
    expect(next.restored.map(({ entries }) => entries.length)).toEqual([10_000]);
    next.restored[0]?.stored.delete();
    await next.flushed();
    expect(Math.max(...next.environment.sizes)).toBeLessThanOrEqual(1_010);
    const third = await reopen(next);
    expect(third.restored).toEqual([]);
    await untilCount(third, 0);
    expect(Math.max(...third.environment.sizes)).toBeLessThanOrEqual(1_010);
  });

  test("a queue without its session is deleted, and its number not used again", async () => {
    const bench = await open();
    await bench.environment.commit(
      sequences(1, 2_500).map((each) => ({
        table: "sessionQueues",
        key: runKey(7, each),
        value: Buffer.of(2, 1),
      })),
    );
    expect([...bench.sessions.restore()]).toEqual([]);
    const session = bench.sessions.create("client/a", STATE);
    session.push(entry(1));
    await untilCount(bench, 1);
    const { restored } = await reopen(bench);
    expect(restored.map(owed)).toEqual(["1"]);
  });

  test.each([
    ["sessions", sessionKey(1, SESSION_RECORDS.identity), Buffer.of(9)],
    ["sessions", sessionKey(1, SESSION_RECORDS.progress), Buffer.of(1, 2)],
    ["sessions", Buffer.from("no key"), Buffer.of(1)],
    ["sessionQueues", runKey(1, 1), Buffer.of(0, 3)],
    ["sessionQueues", Buffer.from("no key"), Buffer.of(0, 1)],
  ] as const)("a damaged record in %s is told, not passed over", async (table, key, value) => {
    const bench = await open();
    bench.sessions.create("client/a", STATE).push(entry(1));
    await bench.flushed();
    await bench.environment.commit([{ table, key, value }]);
    await bench.close();
    const next = await open(bench.directory);
    expect(() => [...next.sessions.restore()]).toThrow(StoreError);
  });
});

/** Waits for the background deletion, one commit after another. */
async function untilCount(bench: Bench, count: number): Promise<void> {
  while (bench.environment.count("sessionQueues") > count) await bench.flushed();
}
