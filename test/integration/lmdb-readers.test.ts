import { describe, expect, test } from "vitest";
import { ANONYMOUS } from "../../src/bus/ports.ts";
import { BusKit, filter } from "../support/bus-kit.ts";
import { FaultyEnvironment } from "../support/faulty-environment.ts";
import { openLmdbStore, temporaryDirectory } from "../support/lmdb-store.ts";

const EVER = Number.POSITIVE_INFINITY;

async function openKit(disk: number, tail = 16) {
  const directory = await temporaryDirectory();
  const environment = new FaultyEnvironment({ directory, isFlushed: true });
  const { log } = await openLmdbStore({
    directory,
    environment,
    tail: { maxMessages: tail, maxBytes: 1e6, maxAgeMs: EVER },
    disk: { maxMessages: disk, maxBytes: 1e9, maxAgeMs: EVER },
  });
  const kit = new BusKit({ log });
  const publishAll = async (count: number, qosOf: (index: number) => 0 | 1, name: string) => {
    for (let i = 0; i < count; i += 1) kit.publish(name, `${i}`, { qos: qosOf(i) });
    // The receipt of a message of QoS 1 comes after everything before it.
    await new Promise<void>((durable, failed) => {
      const receipt = { accepted: () => durable(), refused: failed };
      log.append({ ...kitDraft(kit), qos: 1 }, receipt);
    });
  };
  return { environment, kit, log, publishAll };
}

function kitDraft(kit: BusKit) {
  kit.publish("marker", "", { qos: 0 });
  const message = kit.bus.messageAt(kit.bus.lastOffset);
  if (message === undefined) throw new Error("the newest message is always in memory");
  return message;
}

describe("a stuck reader of a log on disk", () => {
  test.each([
    ["still has", 10_000],
    ["has dropped, too", 20],
  ])("gets all it has queued when the memory has dropped what the disk %s", async (_, disk) => {
    const { kit, publishAll } = await openKit(disk);
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "mine");
    await publishAll(40, (i) => (i % 2 === 0 ? 0 : 1), "mine");
    await publishAll(200, () => 1, "others");
    const payloads = Array.from({ length: 40 }, (_each, i) => reader.messageAt(i + 1)?.payload);
    expect(payloads.map((each) => Buffer.from(each ?? []).toString())).toEqual(
      payloads.map((_each, i) => `${i}`),
    );
    const words = pull();
    expect(words.length).toBe(40);
    const offsets = words.map((each) => Number(/\d+/.exec(each)?.[0]));
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  });

  test("catches up from the disk through what is pending to what is in memory, then live", async () => {
    const { kit, publishAll } = await openKit(10_000);
    await publishAll(100, () => 1, "mine");
    for (let i = 0; i < 50; i += 1) kit.publish("mine", `${i}`, { qos: 1 });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "mine", { start: { from: "earliest" } });
    const recovered = pull();
    // 150 messages and the word that it is live now; the publishers' marker is not in the filter.
    expect(recovered.length).toBe(151);
    kit.publish("mine", "live", { qos: 1 });
    expect(pull().length).toBe(1);
  });
});

describe("while the files of a log on disk cannot be read", () => {
  test("a reader ends rather than to pass over what it has queued, and misses nothing", async () => {
    const { environment, kit, log, publishAll } = await openKit(10_000);
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "mine");
    await publishAll(40, () => 1, "mine");
    await publishAll(200, () => 1, "others");
    environment.isAway = true;
    // What was on its way to the disk when the memory dropped it was copied; the next ends it.
    const words = pull();
    expect(words.length).toBeLessThan(40);
    expect(words.at(-1)).toMatch(/without content$/);
    expect([reader.isOver, reader.position]).toEqual([true, null]);
    environment.isAway = false;
    const again = kit.reader();
    kit.subscribe(again.reader, "mine", {
      start: { from: "cursor", epoch: log.epoch, offset: 0 },
    });
    expect(again.pull().length).toBe(41);
  });

  test("a reader that catches up ends, and a poll is refused, without a gap", async () => {
    const { environment, kit, publishAll } = await openKit(10_000);
    await publishAll(40, () => 1, "mine");
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "mine", { start: { from: "earliest" } });
    environment.isAway = true;
    expect([pull(), reader.isOver]).toEqual([[], true]);
    const filters = [filter("mine")];
    expect(() => kit.bus.read(ANONYMOUS, filters, 0, { maxMessages: 9, maxBytes: 999 })).toThrow(
      expect.objectContaining({ code: "store_unavailable" }),
    );
    environment.isAway = false;
    const limits = { maxMessages: 100, maxBytes: 10_000 };
    expect(kit.bus.read(ANONYMOUS, filters, 0, limits).messages.length).toBe(40);
  });
});
