import { describe, expect, test } from "vitest";
import { BusKit } from "../support/bus-kit.ts";
import { RecordingDelivery } from "../support/recording-delivery.ts";

const limits = { queue: { maxMessages: 3, maxBytes: 10 } };

describe("a full queue", () => {
  test("under drop-oldest gives up the oldest and tells how many", () => {
    const kit = new BusKit({ limits });
    const { reader, pull } = kit.reader();
    const subscription = kit.subscribe(reader, "a", { overflow: "drop-oldest" });
    for (let i = 1; i <= 5; i += 1) kit.publish("a", String(i));
    expect(reader.hasUntoldDrops).toBe(true);
    const delivery = new RecordingDelivery();
    reader.tellDrops([subscription], delivery);
    expect(delivery.take()).toEqual([
      { kind: "dropped", tag: "a", drops: { count: 2, first: 1, last: 2, reason: "drop_oldest" } },
    ]);
    expect(reader.hasUntoldDrops).toBe(false);
    expect(pull()).toEqual(["live a=3", "live a=4", "live a=5"]);
  });

  test("under keep-latest keeps the newest of each topic, in order", () => {
    const kit = new BusKit({ limits });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "#", { overflow: "keep-latest" });
    for (const each of ["a1", "b2", "a3", "b4", "a5"]) kit.publish(each[0] ?? "", each[1]);
    expect(pull()).toEqual(["live b=4", "live a=5"]);
    expect(kit.observer.drops.get("keep_latest")).toBe(3);
  });

  test("under keep-latest with more topics than room gives up the oldest", () => {
    const kit = new BusKit({ limits });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "#", { overflow: "keep-latest" });
    for (const each of ["a1", "b2", "c3", "d4", "e5"]) kit.publish(each[0] ?? "", each[1]);
    expect(pull()).toEqual(["live c=3", "live d=4", "live e=5"]);
  });

  test("takes one message larger than its bound in bytes", () => {
    const kit = new BusKit({ limits });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { overflow: "drop-oldest" });
    kit.publish("a", "1");
    kit.publish("a", "x".repeat(50));
    expect(pull()).toEqual([`live a=${"x".repeat(50)}`]);
  });

  test("goes back to keeping every message once it was emptied", () => {
    const kit = new BusKit({ limits });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { overflow: "keep-latest" });
    for (let i = 1; i <= 5; i += 1) kit.publish("a", String(i));
    expect(pull()).toEqual(["live a=5"]);
    kit.publish("a", "6");
    kit.publish("a", "7");
    expect(pull()).toEqual(["live a=6", "live a=7"]);
  });
});
