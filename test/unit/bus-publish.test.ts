import { describe, expect, test } from "vitest";
import { type AccessPolicy, ANONYMOUS } from "../../src/bus/ports.ts";
import { BusKit, draft, filter, topic } from "../support/bus-kit.ts";
import { refusalOf } from "../support/refusal.ts";

const NO_SECRETS: AccessPolicy = {
  mayPublish: (_identity, name) => !name.startsWith("secret"),
  maySubscribe: (_identity, name) => !name.startsWith("secret"),
  mayReceive: (_identity, name) => !name.startsWith("secret"),
};

describe("accept", () => {
  test("numbers messages from 1 and tells the receipt after the fan-out", () => {
    const kit = new BusKit();
    const order: string[] = [];
    kit.bus.watch(ANONYMOUS, [filter("a")], { offer: (offset) => order.push(`offer ${offset}`) });
    const receipt = {
      accepted: (offset: number) => order.push(`accepted ${offset}`),
      refused: () => order.push("refused"),
    };
    kit.bus.accept(draft("a"), ANONYMOUS, receipt);
    kit.bus.accept(draft("a"), ANONYMOUS, receipt);
    expect(order).toEqual(["offer 1", "accepted 1", "offer 2", "accepted 2"]);
  });

  test("copies the payload, whose bytes the publisher's connection is about to reuse", () => {
    const kit = new BusKit();
    const chunk = Buffer.from([1, 2, 3]);
    kit.bus.accept(draft("a", { payload: chunk, retain: true }), ANONYMOUS, null);
    chunk.fill(9);
    expect([...(kit.bus.messageAt(1)?.payload ?? [])]).toEqual([1, 2, 3]);
    expect([...(kit.bus.retainedAt(ANONYMOUS, topic("a"))?.payload ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([
    ["forbidden", "$SYS/x", {}],
    ["forbidden", "secret/x", {}],
    ["too_large", "a", { payload: "x".repeat(11) }],
    ["limit_exceeded", "b", { payload: "x", retain: true }],
  ] as const)("refuses with %s and counts it", (code, name, options) => {
    const kit = new BusKit({
      limits: { maxPayloadBytes: 10, maxRetainedMessages: 1 },
      policy: NO_SECRETS,
    });
    kit.publish("a", "1", { retain: true });
    const thrown = refusalOf(() => kit.bus.accept(draft(name, options), ANONYMOUS, null));
    expect(thrown.code).toBe(code);
    expect(kit.observer.refusals).toEqual([code]);
    expect(kit.bus.lastOffset).toBe(1);
  });

  test("retained messages that have expired make room for others", () => {
    const kit = new BusKit({ limits: { maxRetainedMessages: 2 } });
    kit.publish("a", "1", { retain: true, properties: { expiry: 1 } });
    kit.publish("b", "1", { retain: true });
    expect(refusalOf(() => kit.publish("c", "1", { retain: true })).code).toBe("limit_exceeded");
    kit.clock.advance(1_000);
    kit.publish("c", "1", { retain: true });
    expect(refusalOf(() => kit.publish("d", "1", { retain: true })).code).toBe("limit_exceeded");
    expect(kit.bus.retainedCount).toBe(2);
  });

  test("refuses everything while draining", () => {
    const kit = new BusKit();
    kit.bus.refuseNewMessages();
    expect(refusalOf(() => kit.publish("a")).code).toBe("draining");
  });

  test("counts properties against the window, so that empty payloads cannot fill the memory", () => {
    const kit = new BusKit({ window: { maxBytes: 10_000 } });
    const userProperties = [["name", "x".repeat(1_000)]] as const;
    for (let i = 0; i < 50; i += 1) kit.publish("a", "", { properties: { userProperties } });
    expect(kit.log.bytes).toBeLessThanOrEqual(10_000);
    expect(kit.bus.firstOffset).toBeGreaterThan(40);
  });
});

describe("a retained message", () => {
  test("is cleared by an empty payload [MQTT-3.3.1-10]", () => {
    const kit = new BusKit();
    kit.publish("a", "1", { retain: true });
    kit.publish("a", "", { retain: true });
    expect(kit.bus.retainedCount).toBe(0);
    expect(kit.retained.bytes).toBe(0);
  });

  test("may be replaced at the limit, which counts its own bytes as free", () => {
    const kit = new BusKit({ limits: { maxRetainedMessages: 1, maxRetainedBytes: 5 } });
    kit.publish("a", "12345", { retain: true });
    kit.publish("a", "54321", { retain: true });
    expect(refusalOf(() => kit.publish("a", "123456", { retain: true })).code).toBe(
      "limit_exceeded",
    );
  });

  test("is gone once its expiry has passed, and no longer counts", () => {
    const kit = new BusKit();
    kit.publish("a", "1", { retain: true, properties: { expiry: 1 } });
    kit.clock.advance(1_000);
    expect(kit.bus.retainedUnder(ANONYMOUS, [filter("#")])).toEqual([]);
    expect(kit.bus.retainedCount).toBe(0);
  });

  test("passes the reader's permission at the time of delivery", () => {
    let isAllowed = true;
    const kit = new BusKit({
      policy: { mayPublish: () => true, maySubscribe: () => true, mayReceive: () => isAllowed },
    });
    kit.publish("a", "1", { retain: true });
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a");
    isAllowed = false;
    expect(pull()).toEqual(["wentLive 1"]);
    kit.publish("a", "2");
    expect(pull()).toEqual([]);
    expect(kit.observer.drops.get("forbidden")).toBe(2);
  });
});

describe("read, for a poll", () => {
  test("says how far it reached and whether more is there", () => {
    const kit = new BusKit();
    for (let i = 1; i <= 5; i += 1) kit.publish(i === 3 ? "b" : "a", String(i));
    const limits = { maxMessages: 3, maxBytes: 1_000 };
    const page = kit.bus.read(ANONYMOUS, [filter("a")], 0, limits);
    expect(page.messages.map((message) => message.offset)).toEqual([1, 2, 4]);
    expect(page).toMatchObject({ through: 4, isUpToDate: false, gap: null });
    const rest = kit.bus.read(ANONYMOUS, [filter("a")], page.through, limits);
    expect(rest.messages.map((message) => message.offset)).toEqual([5]);
    expect(rest.isUpToDate).toBe(true);
  });
});
