import { describe, expect, test } from "vitest";
import { BusKit, EPOCH } from "../support/bus-kit.ts";

const EARLIEST = { from: "earliest" } as const;

describe("a reader", () => {
  test("is given a live message once however many of its filters match", () => {
    const kit = new BusKit();
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, ["a/#", "a/+", "a/b"]);
    kit.subscribe(reader, "+/b");
    kit.publish("a/b", "1");
    expect(pull()).toEqual(["live a/b=1"]);
  });

  test("is given retained messages, then what came since, then live ones", () => {
    const kit = new BusKit();
    kit.publish("a/2", "old", { retain: true });
    kit.publish("a/1", "older", { retain: true });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a/#");
    kit.publish("a/1", "while catching up");
    expect(pull()).toEqual([
      "retained a/2=old",
      "retained a/1=older",
      "recovered a/1=while catching up",
      "wentLive 3",
    ]);
    kit.publish("a/1", "after");
    expect(pull()).toEqual(["live a/1=after"]);
  });

  test("is given a retained message that was replaced meanwhile in its new form only", () => {
    const kit = new BusKit();
    for (const name of ["a", "b", "c"]) kit.publish(name, "old", { retain: true });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "#");
    kit.publish("a", "new", { retain: true });
    kit.publish("b", "", { retain: true });
    expect(pull()).toEqual(["retained c=old", "recovered a=new", "recovered b=", "wentLive 5"]);
  });

  test("holds one list of retained topics at most, however many subscriptions wait", () => {
    const kit = new BusKit();
    for (const name of ["a/a", "a/b"]) kit.publish(name, "x", { retain: true });
    const { reader, pull } = kit.reader();
    const waiting = ["a/#", "+/a", "+/+"].map((each) => kit.subscribe(reader, each));
    const lists = waiting.map(({ state }) => (state.is === "retained" ? state.snapshot : []));
    expect(lists).toEqual([["a/a", "a/b"], null, null]);
    expect(pull().filter((word) => word.startsWith("retained"))).toHaveLength(5);
  });

  test("that may have nothing of a long log goes through it in steps, not in one", () => {
    const kit = new BusKit({
      policy: { mayPublish: () => true, maySubscribe: () => true, mayReceive: () => false },
    });
    for (let i = 0; i < 1_000; i += 1) kit.publish("a");
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "#", { start: { from: "earliest" } });
    expect([pull(4_096), reader.isReady]).toEqual([[], true]);
    for (let steps = 0; reader.isReady && steps < 10; steps += 1) pull(4_096);
    expect(reader.isReady).toBe(false);
    expect(kit.observer.drops.get("forbidden")).toBe(1_000);
  });

  test("is woken once until it is pulled", () => {
    const kit = new BusKit();
    const { reader, wakes, pull } = kit.reader();
    kit.subscribe(reader, "#");
    for (let i = 0; i < 5; i += 1) kit.publish("a");
    expect(wakes.count).toBe(1);
    pull();
    kit.publish("a");
    expect(wakes.count).toBe(2);
  });

  test("is given nothing of a filter after it unsubscribed", () => {
    const kit = new BusKit();
    const { reader, pull } = kit.reader();
    const subscription = kit.subscribe(reader, "a");
    kit.subscribe(reader, "b");
    kit.publish("a", "1");
    kit.publish("b", "2");
    kit.bus.unsubscribe(subscription);
    kit.bus.unsubscribe(subscription);
    kit.publish("a", "3");
    expect(pull()).toEqual(["live b=2"]);
    expect(kit.bus.subscriptionCount).toBe(1);
    expect(kit.bus.indexSize).toBe(1);
  });

  test("that the window overtakes while it catches up is told the gap and goes on", () => {
    const kit = new BusKit({ window: { maxMessages: 4 } });
    for (let i = 1; i <= 4; i += 1) kit.publish("a", String(i));
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { start: EARLIEST });
    expect(pull(1)).toEqual(["recovered a=1"]);
    for (let i = 5; i <= 8; i += 1) kit.publish("a", String(i));
    expect(pull()).toEqual([
      "gap from 1 earliest 5 retention",
      "recovered a=5",
      "recovered a=6",
      "recovered a=7",
      "recovered a=8",
      "wentLive 8",
    ]);
  });

  test("with a cursor of another epoch is told the gap before anything else", () => {
    const kit = new BusKit();
    kit.publish("a", "1");
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { start: { from: "cursor", epoch: "elsewhere", offset: 7 } });
    expect(pull()).toEqual(["gap from 7 earliest 1 epoch", "recovered a=1", "wentLive 1"]);
    expect(kit.observer.recoveries).toEqual(["epoch"]);
  });

  test("with a cursor ahead of the sequence is told a gap of the epoch", () => {
    const kit = new BusKit();
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { start: { from: "cursor", epoch: EPOCH, offset: 1 } });
    expect(pull()).toEqual(["gap from 1 earliest 1 epoch", "wentLive 0"]);
  });

  test("that starts at earliest is told no gap for messages that were too old already", () => {
    const kit = new BusKit({ window: { maxAgeMs: 1_000 } });
    for (let i = 1; i <= 200; i += 1) kit.publish("a", String(i));
    kit.clock.advance(999);
    kit.publish("a", "young");
    kit.clock.advance(1);
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { start: EARLIEST });
    expect(pull()).toEqual(["recovered a=young", "wentLive 201"]);
  });
});

describe("a slow reader under policy disconnect", () => {
  test("is given nothing more on any subscription, so that its position passes no lost message", () => {
    const kit = new BusKit({ limits: { queue: { maxMessages: 2, maxBytes: 100 } } });
    const { reader, overflows, pull } = kit.reader();
    const slow = kit.subscribe(reader, "slow");
    kit.subscribe(reader, "other");
    kit.publish("slow", "1");
    kit.publish("slow", "2");
    kit.publish("other", "3");
    kit.publish("slow", "4");
    kit.publish("other", "5");
    expect(overflows).toEqual([slow]);
    expect(pull()).toEqual([]);
    expect(reader.isOver).toBe(true);
    expect(reader.isReady).toBe(false);
    expect(reader.position).toBeNull();
    expect(kit.observer.drops.get("slow_subscriber")).toBe(3);
  });

  test("leaves other readers alone", () => {
    const kit = new BusKit({ limits: { queue: { maxMessages: 2, maxBytes: 100 } } });
    const slow = kit.reader();
    const quick = kit.reader();
    kit.subscribe(slow.reader, "a");
    kit.subscribe(quick.reader, "a");
    for (let i = 1; i <= 5; i += 1) {
      kit.publish("a", String(i));
      expect(quick.pull()).toEqual([`live a=${i}`]);
    }
    expect(slow.overflows).toHaveLength(1);
  });
});

describe("a stuck reader", () => {
  test("keeps what it has queued when the window, full of bytes, drops it", () => {
    const kit = new BusKit({ window: { maxBytes: 3 } });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a");
    for (let i = 1; i <= 9; i += 1) kit.publish("a", String(i));
    expect(kit.bus.firstOffset).toBe(7);
    expect(pull()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `live a=${i}`));
  });

  test("keeps a message that one subscription dropped and another still holds", () => {
    const limits = { queue: { maxMessages: 4, maxBytes: 100 } };
    const kit = new BusKit({ limits, window: { maxMessages: 2 } });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "+", { overflow: "keep-latest" });
    kit.subscribe(reader, "a", { overflow: "disconnect" });
    for (const each of ["a1", "a2", "b3", "b4", "b5"]) kit.publish(each[0] ?? "", each[1]);
    expect(pull()).toEqual(["live a=1", "live a=2", "live b=5"]);
  });

  test("does not get a message that expired while the log no longer had it", () => {
    const kit = new BusKit({ window: { maxMessages: 2 } });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a");
    kit.publish("a", "short-lived", { properties: { expiry: 1 } });
    for (let i = 2; i <= 5; i += 1) kit.publish("a", String(i));
    kit.clock.advance(1_000);
    expect(pull()).toEqual(["live a=2", "live a=3", "live a=4", "live a=5"]);
    expect(kit.observer.drops.get("expired")).toBe(1);
  });
});
