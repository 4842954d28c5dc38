import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/bus/clock.ts";
import { Filters } from "../../src/bus/filter-set.ts";
import type { Message, QoS } from "../../src/bus/message.ts";
import type { LogListener, MessageLog, RetainedStore } from "../../src/bus/ports.ts";
import { draft, EPOCH, filter, topic } from "../support/bus-kit.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { oracleMatches } from "../support/match-oracle.ts";

/** What a factory is given; the contract reads the window's edge from the log, not from these. */
export interface LogSettings {
  readonly epoch: string;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

export type LogFactory = (settings: LogSettings) => MessageLog | Promise<MessageLog>;
export type RetainedFactory = () => RetainedStore | Promise<RetainedStore>;

const ALL = { maxMessages: 1_000, maxBytes: 1_000_000 };

class Recorder implements LogListener {
  readonly calls: string[] = [];

  ordered(offset: number): void {
    this.calls.push(`ordered ${offset}`);
  }

  evicting(firstOffset: number): void {
    this.calls.push(`evicting ${firstOffset}`);
  }

  evictingUnstored(firstOffset: number, isStored: (offset: number) => boolean): void {
    if (!isStored(firstOffset - 1)) this.calls.push(`evicting ${firstOffset}`);
  }
}

async function openLog(create: LogFactory, qos: QoS, settings: Partial<LogSettings> = {}) {
  const clock = new FakeClock();
  const log = await create({
    epoch: EPOCH,
    maxMessages: 100,
    maxBytes: 100_000,
    maxAgeMs: Number.POSITIVE_INFINITY,
    clock,
    ...settings,
  });
  const recorder = new Recorder();
  log.attach(recorder);
  const append = (name: string, payload = ""): Promise<number> =>
    new Promise((accepted, refused) => {
      log.append(draft(name, { payload, qos }), { accepted, refused });
    });
  const read = (after: number, ...filters: string[]) =>
    log.read(new Filters(filters.map(filter)), after, ALL);
  return { clock, log, recorder, append, read };
}

/**
 * The contract of {@link MessageLog}, for every adapter.
 *
 * @param qos of the messages; an adapter may keep those of QoS 0 elsewhere.
 */
export function messageLogContract(name: string, create: LogFactory, qos: QoS = 0): void {
  const open = (factory: LogFactory, settings: Partial<LogSettings> = {}) =>
    openLog(factory, qos, settings);
  describe(`message log: ${name}`, () => {
    test("numbers messages from 1, in call order, and tells receipts in that order", async () => {
      const { log, recorder, append } = await open(create);
      expect([log.firstOffset, log.lastOffset]).toEqual([1, 0]);
      expect(await Promise.all(["a", "b", "c"].map((each) => append(each)))).toEqual([1, 2, 3]);
      expect(recorder.calls).toEqual(["ordered 1", "ordered 2", "ordered 3"]);
      expect(log.epoch).toBe(EPOCH);
    });

    test("gives back every field of a message, and bytes of its own", async () => {
      const { log, clock } = await open(create);
      const payload = Buffer.from([0, 1, 254, 255]);
      const properties = {
        contentType: "text/plain",
        userProperties: [["k", "v"] as const, ["k", "w"] as const],
        responseTopic: "r",
        correlationData: new Uint8Array([1, 0]),
        payloadFormat: 0 as const,
        expiry: 7,
      };
      const sent = draft("a/é", { payload, qos: 2, retain: true, properties, receivedAt: 12.5 });
      log.append(sent, null);
      payload.fill(9);
      const kept = log.at(1);
      expect({ ...kept, payload: [...(kept?.payload ?? [])] }).toEqual({
        ...sent,
        payload: [0, 1, 254, 255],
        offset: 1,
        acceptedAt: clock.now(),
      });
      expect([log.sizeAt(1), log.topicAt(1)]).toEqual([4, "a/é"]);
      expect(log.expiresAt(1)).toBe(clock.now() + 7_000);
    });

    test("knows nothing outside its window", async () => {
      const { log, append } = await open(create);
      await append("a");
      for (const offset of [0, 2, -1]) {
        expect([log.at(offset), log.topicAt(offset)]).toEqual([undefined, undefined]);
        expect([log.sizeAt(offset), log.expiresAt(offset)]).toEqual([0, Number.POSITIVE_INFINITY]);
      }
    });

    test("reads what the filters match, once and rising, dense or sparse", async () => {
      const { append, read } = await open(create);
      const names = Array.from({ length: 90 }, (_, i) => (i % 30 === 7 ? "rare/x" : `n/${i % 7}`));
      await Promise.all(names.map((each) => append(each)));
      for (const filters of [["#"], ["rare/x"], ["rare/+"], ["n/3", "n/+", "rare/#"], ["none"]]) {
        const expected = names.flatMap((each, i) =>
          filters.some((f) => oracleMatches(f, each)) && i + 1 > 5 ? [i + 1] : [],
        );
        const page = read(5, ...filters);
        expect(page).toEqual({ offsets: expected, through: 90, gap: null });
      }
    });

    test("reads in pages bounded by count and bytes, that join without hole or overlap", async () => {
      const { log, append } = await open(create);
      const names = Array.from({ length: 60 }, (_, i) => `n/${i % 4}`);
      await Promise.all(names.map((each, i) => append(each, "x".repeat(i % 9))));
      for (const limits of [
        { maxMessages: 7, maxBytes: 1_000 },
        { maxMessages: 100, maxBytes: 10 },
        { maxMessages: 100, maxBytes: 1 },
      ]) {
        const found: number[] = [];
        for (let after = 0; after < 60; ) {
          const page = log.read(new Filters([filter("n/1"), filter("n/+")]), after, limits);
          const bytes = page.offsets.reduce((sum, offset) => sum + log.sizeAt(offset), 0);
          expect(page.offsets.length).toBeLessThanOrEqual(limits.maxMessages);
          expect(page.offsets.length === 1 || bytes <= limits.maxBytes).toBe(true);
          expect(page.through).toBeGreaterThan(after);
          found.push(...page.offsets);
          after = page.through;
        }
        expect(found).toEqual(names.map((_, i) => i + 1));
      }
    });

    test.each([
      ["count", { maxMessages: 4 }],
      ["bytes", { maxBytes: 10 }],
    ])("keeps a window bounded by %s, announces what leaves, and states the gap", async (_, s) => {
      const { log, recorder, append, read } = await open(create, s);
      let announced = 0;
      for (let i = 1; i <= 40; i += 1) {
        const before = log.firstOffset;
        recorder.calls.length = 0;
        await append("a", "xy");
        for (let gone = before; gone < log.firstOffset; gone += 1) {
          announced = Math.max(announced, ...evictions(recorder));
          expect(announced).toBeGreaterThan(gone);
        }
      }
      const first = log.firstOffset;
      expect(first).toBeGreaterThan(30);
      expect(read(first - 2, "a").gap).toEqual({ reason: "retention", earliest: first });
      expect(read(first - 2, "a").offsets).toEqual([]);
      expect(read(first - 1, "a").offsets[0]).toBe(first);
      const locate = (offset: number) => log.locate({ epoch: EPOCH, offset });
      expect(locate(first - 2)).toEqual({ gap: { reason: "retention", earliest: first } });
      expect(locate(first - 1)).toEqual({ after: first - 1 });
    });

    test("lets nobody read what is older than its age", async () => {
      const { log, clock, append, read } = await open(create, { maxAgeMs: 1_000 });
      await append("a");
      clock.advance(600);
      await append("a");
      clock.advance(400);
      expect(log.firstOffset).toBe(2);
      expect(read(0, "a").gap).toEqual({ reason: "retention", earliest: 2 });
      expect(read(1, "a").offsets).toEqual([2]);
      clock.advance(600);
      expect(log.firstOffset).toBe(3);
    });

    test("keeps a newest message larger than the window's bytes", async () => {
      const { log, append } = await open(create, { maxBytes: 10 });
      await append("a", "small");
      await append("a", "x".repeat(50));
      expect([log.firstOffset, log.at(2)?.payload.length]).toEqual([2, 50]);
    });

    test("answers a cursor from elsewhere or ahead of it with a gap of the epoch", async () => {
      const { log, append } = await open(create);
      await append("a");
      const gap = { reason: "epoch", earliest: 1 };
      expect(log.locate({ epoch: "elsewhere", offset: 1 })).toEqual({ gap });
      expect(log.locate({ epoch: EPOCH, offset: 2 })).toEqual({ gap });
      expect(log.locate({ epoch: EPOCH, offset: 1 })).toEqual({ after: 1 });
      expect(log.locate({ epoch: EPOCH, offset: 0 })).toEqual({ after: 0 });
    });

    test("is relieved when nothing waits", async () => {
      const { log, append } = await open(create);
      await append("a");
      expect(log.isCongested).toBe(false);
      await new Promise<void>((relieved) => log.whenRelieved(relieved));
    });
  });
}

function evictions(recorder: Recorder): number[] {
  return recorder.calls.flatMap((call) =>
    call.startsWith("evicting ") ? [Number(call.slice("evicting ".length))] : [],
  );
}

function message(name: string, payload: string, offset: number): Message {
  return { ...draft(name, { payload, retain: true }), offset, acceptedAt: 1 };
}

/** The contract of {@link RetainedStore}, for every adapter. */
export function retainedStoreContract(name: string, create: RetainedFactory): void {
  describe(`retained store: ${name}`, () => {
    test("keeps the last message of each topic and counts topics and bytes", async () => {
      const store = await create();
      store.set(message("a", "123", 1));
      store.set(message("b", "1", 2));
      store.set(message("a", "12345", 3));
      expect([store.count, store.bytes]).toEqual([2, 6]);
      expect(store.get(topic("a"))?.offset).toBe(3);
      store.delete(topic("a"));
      store.delete(topic("a"));
      expect([store.count, store.bytes, store.get(topic("a"))]).toEqual([1, 1, undefined]);
    });

    test("finds what a filter matches by MQTT §4.7", async () => {
      const store = await create();
      const names = ["a", "a/b", "a/", "/a", "$x", "$x/a", "b/a/c"];
      names.forEach((each, i) => {
        store.set(message(each, "1", i + 1));
      });
      for (const each of ["#", "+", "a/#", "a/+", "+/a", "$x/#", "+/+/c", "b", "a"]) {
        const found = [...store.match(filter(each))].map((kept) => kept.topic);
        expect(found.sort()).toEqual(names.filter((n) => oracleMatches(each, n)).sort());
      }
    });
  });
}
