import { describe, expect, test } from "vitest";
import type { Message, QoS } from "../../src/bus/message.ts";
import { StoreError } from "../../src/bus/store-port.ts";
import { LmdbRetained } from "../../src/store/lmdb/lmdb-retained.ts";
import { retainedKey } from "../../src/store/lmdb/retained-record.ts";
import { draft, filter, topic } from "../support/bus-kit.ts";
import { type LmdbKit, makeDirectory, openLmdb } from "../support/lmdb-kit.ts";

interface Bench extends LmdbKit {
  readonly directory: string;
  readonly retained: LmdbRetained;
}

async function open(directory?: string): Promise<Bench> {
  const at = directory ?? (await makeDirectory());
  const kit = openLmdb(at);
  const retained = new LmdbRetained(kit.environment, kit.queue);
  retained.load();
  return { ...kit, directory: at, retained };
}

async function reopen(bench: Bench): Promise<Bench> {
  await bench.close();
  return open(bench.directory);
}

function message(name: string, payload: string, offset: number, qos: QoS = 1): Message {
  return { ...draft(name, { payload, retain: true, qos }), offset, acceptedAt: 1_234.5 };
}

describe("retained messages in lmdb", () => {
  test("the next process has every field of the last message of each topic", async () => {
    const bench = await open();
    const properties = {
      contentType: "text/plain",
      expiry: 60,
      userProperties: [["k", "v"]],
    } as const;
    const last = { ...message("a/é", "2", 9), properties };
    bench.retained.set(message("a/é", "first", 8));
    bench.retained.set(last);
    bench.retained.set(message("b", "1", 10));
    bench.retained.delete(topic("b"));
    const { retained } = await reopen(bench);
    expect([retained.count, retained.bytes]).toEqual([1, bench.retained.bytes]);
    expect(retained.get(topic("a/é"))).toEqual({ ...last, payload: new Uint8Array([0x32]) });
  });

  test("a topic cleared in a later group is gone for the next process", async () => {
    const bench = await open();
    bench.retained.set(message("a", "1", 1));
    await bench.flushed();
    bench.retained.delete(topic("a"));
    expect((await reopen(bench)).retained.count).toBe(0);
  });

  test("a topic that changes often within one group is written once", async () => {
    const bench = await open();
    for (let i = 1; i <= 1_000; i += 1) bench.retained.set(message("a", `${i}`, i));
    await bench.flushed();
    expect(bench.environment.writes.length).toBe(1);
    expect(
      Buffer.from((await reopen(bench)).retained.get(topic("a"))?.payload ?? []).toString(),
    ).toBe("1000");
  });

  test("QoS 0 is written behind like the others", async () => {
    const bench = await open();
    bench.retained.set(message("a", "1", 1, 0));
    expect((await reopen(bench)).retained.get(topic("a"))?.qos).toBe(0);
  });

  test("a change of a failed commit is written with the next one", async () => {
    const bench = await open();
    bench.retained.set(message("a", "1", 1));
    bench.environment.failuresDue = 1;
    await expect(bench.flushed()).rejects.toMatchObject({ code: "store_unavailable" });
    bench.retained.set(message("b", "1", 2));
    expect((await reopen(bench)).retained.count).toBe(2);
  });

  test("topics too long for a key of lmdb keep apart, however much they share", async () => {
    const bench = await open();
    const long = `${"x".repeat(1_000)}/`.repeat(10);
    const names = [`${long}a`, `${long}b`, long.slice(0, 1_977), long.slice(0, 1_978)];
    names.forEach((name, i) => {
      bench.retained.set(message(name, `${i}`, i + 1));
    });
    const { retained } = await reopen(bench);
    const payloads = names.map((name) =>
      Buffer.from(retained.get(topic(name))?.payload ?? []).toString(),
    );
    expect(payloads).toEqual(["0", "1", "2", "3"]);
    expect([...retained.match(filter("#"))].length).toBe(4);
  });

  test("a damaged record is told, not passed over", async () => {
    const bench = await open();
    const value = Buffer.of(3);
    await bench.environment.commit([{ table: "retained", key: retainedKey(topic("a")), value }]);
    expect(() => new LmdbRetained(bench.environment, bench.queue).load()).toThrow(StoreError);
  });
});
