import { describe, expect, test } from "vitest";
import { Filters } from "../../src/bus/filter-set.ts";
import type { QoS } from "../../src/bus/message.ts";
import type { LmdbStore } from "../../src/store/lmdb/lmdb-store.ts";
import { draft, filter } from "../support/bus-kit.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openLmdbStore, temporaryDirectory } from "../support/lmdb-store.ts";

const ALL = { maxMessages: 1_000, maxBytes: 1_000_000 };

function append(store: LmdbStore, name: string, payload: string, qos: QoS = 1): Promise<number> {
  return new Promise((accepted, refused) => {
    store.log.append(draft(name, { payload, qos }), { accepted, refused });
  });
}

function payloadsOf(store: LmdbStore, name: string, after = store.log.firstOffset - 1): string[] {
  const { offsets } = store.log.read(new Filters([filter(name)]), after, ALL);
  return offsets.map((offset) => Buffer.from(store.log.at(offset)?.payload ?? []).toString());
}

describe("a store that is opened again", () => {
  test("has every message, and goes on with the sequence in a new epoch", async () => {
    const directory = await temporaryDirectory();
    const first = await openLmdbStore({ directory, epoch: "first" });
    await Promise.all(["1", "2", "3"].map((each) => append(first, "a/b", each)));
    await first.close();
    const second = await openLmdbStore({ directory, epoch: "second" });
    expect([second.log.epoch, second.log.firstOffset, second.log.lastOffset]).toEqual([
      "second",
      1,
      3,
    ]);
    expect(await append(second, "a/b", "4")).toBe(4);
    for (const each of ["a/b", "a/+", "#"]) {
      expect(payloadsOf(second, each)).toEqual(["1", "2", "3", "4"]);
    }
    expect([second.log.sizeAt(1), second.log.topicAt(1)]).toEqual([1, "a/b"]);
    expect(second.readState()).toMatchObject({ logMessages: 4, fault: null });
  });

  test("gives back every field of a message", async () => {
    const directory = await temporaryDirectory();
    const first = await openLmdbStore({ directory });
    const properties = {
      contentType: "text/plain",
      userProperties: [["k", "v"] as const, ["k", "w"] as const],
      responseTopic: "r",
      correlationData: new Uint8Array([1, 0]),
      payloadFormat: 0 as const,
      expiry: 7,
    };
    const sent = draft("a/é", { payload: "p", qos: 2, retain: true, properties, receivedAt: 12.5 });
    await new Promise<number>((accepted, refused) => {
      first.log.append(sent, { accepted, refused });
    });
    const acceptedAt = first.log.at(1)?.acceptedAt ?? 0;
    await first.close();
    const { log } = await openLmdbStore({ directory });
    const found = log.at(1);
    expect({ ...found, payload: [...(found?.payload ?? [])] }).toEqual({
      ...sent,
      payload: [0x70],
      offset: 1,
      acceptedAt,
    });
    expect(log.expiresAt(1)).toBe(acceptedAt + 7_000);
  });

  test("understands cursors of earlier epochs up to the end of each", async () => {
    const directory = await temporaryDirectory();
    const first = await openLmdbStore({ directory, epoch: "first" });
    await append(first, "a", "1");
    await append(first, "a", "2", 0);
    await first.close();
    const second = await openLmdbStore({ directory, epoch: "second" });
    await append(second, "a", "3");
    await second.close();
    const { log } = await openLmdbStore({ directory, epoch: "third" });
    expect(log.locate({ epoch: "first", offset: 0 })).toEqual({ after: 0 });
    expect(log.locate({ epoch: "first", offset: 2 })).toEqual({ after: 2 });
    expect(log.locate({ epoch: "first", offset: 3 })).toEqual({
      gap: { reason: "epoch", earliest: 3 },
    });
    expect(log.locate({ epoch: "second", offset: 3 })).toEqual({ after: 3 });
    expect(log.locate({ epoch: "third", offset: 4 })).toEqual({
      gap: { reason: "epoch", earliest: 1 },
    });
    expect(log.locate({ epoch: "elsewhere", offset: 1 })).toEqual({
      gap: { reason: "epoch", earliest: 1 },
    });
  });

  test("has lost messages of QoS 0 unless they were to be stored", async () => {
    for (const isQos0Stored of [false, true]) {
      const directory = await temporaryDirectory();
      const first = await openLmdbStore({ directory, isQos0Stored });
      await append(first, "a", "0", 0);
      await append(first, "a", "1", 1);
      expect(payloadsOf(first, "a")).toEqual(["0", "1"]);
      await first.close();
      const second = await openLmdbStore({ directory, isQos0Stored });
      expect(payloadsOf(second, "a")).toEqual(isQos0Stored ? ["0", "1"] : ["1"]);
    }
  });

  test("has bodies that were kept beyond the window until nobody keeps them", async () => {
    const directory = await temporaryDirectory();
    const window = { maxMessages: 4, maxBytes: 1e9, maxAgeMs: Number.POSITIVE_INFINITY };
    const options = { directory, tail: window, disk: window };
    const first = await openLmdbStore(options);
    const kept: number[] = [];
    first.log.attach({
      ordered: () => undefined,
      evicting: (below) => {
        for (const offset of [1, 2]) {
          const message =
            offset < below && !kept.includes(offset) ? first.log.at(offset) : undefined;
          if (message === undefined) continue;
          first.log.keep(message);
          kept.push(offset);
        }
      },
    });
    for (let i = 1; i <= 20; i += 1) await append(first, "a", `${i}`);
    expect(kept).toEqual([1, 2]);
    await first.close();
    const second = await openLmdbStore(options);
    const one = second.log.at(1);
    expect([one?.topic, Buffer.from(one?.payload ?? []).toString()]).toEqual(["a", "1"]);
    if (one !== undefined) second.log.keep(one);
    second.restored();
    await append(second, "a", "21");
    await append(second, "a", "22");
    expect([second.log.at(1)?.offset, second.log.at(2)]).toEqual([1, undefined]);
    second.log.release(1);
    await append(second, "a", "23");
    expect(second.log.at(1)).toBeUndefined();
  });

  test("does not lose what aged while it was closed before its queue was taken up", async () => {
    const directory = await temporaryDirectory();
    const clock = new FakeClock();
    const disk = { maxMessages: 1_000, maxBytes: 1e9, maxAgeMs: 10_000 };
    const first = await openLmdbStore({ directory, clock, disk });
    const session = first.sessions.create("client/x", Buffer.from("state"));
    first.log.attach({
      ordered: (offset) =>
        session.push({ sequence: 1, offset, qos: 1, isRetained: false, subscriptionIds: [] }),
      evicting: () => undefined,
    });
    await append(first, "a", "queued");
    await first.close();
    clock.advance(20_000);
    const second = await openLmdbStore({ directory, clock, disk });
    expect(second.log.firstOffset).toBe(1);
    const [restored] = [...second.sessions.restore()];
    const offset = restored?.entries[0]?.offset ?? 0;
    second.log.attach({
      ordered: () => undefined,
      evicting: () => {
        const message = second.log.at(offset);
        if (message !== undefined) second.log.keep(message);
      },
    });
    second.restored();
    expect(second.log.firstOffset).toBe(2);
    await append(second, "a", "later");
    expect(Buffer.from(second.log.at(offset)?.payload ?? []).toString()).toBe("queued");
  });
});
