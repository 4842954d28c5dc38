import { describe, expect, test } from "vitest";
import { BusKit } from "../support/bus-kit.ts";
import { openLmdbStore, temporaryDirectory } from "../support/lmdb-store.ts";

const EVER = Number.POSITIVE_INFINITY;

async function openKit(disk: number, tail = 16) {
  const { log } = await openLmdbStore({
    directory: await temporaryDirectory(),
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
  return { kit, log, publishAll };
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
