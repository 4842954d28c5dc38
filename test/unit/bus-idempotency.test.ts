import { describe, expect, test } from "vitest";
import type { IdempotencyKey } from "../../src/bus/idempotency.ts";
import { ANONYMOUS, type Receipt } from "../../src/bus/ports.ts";
import { GatewayError } from "../../src/errors.ts";
import { BusKit, type DraftOptions, draft } from "../support/bus-kit.ts";
import { FaultyLog } from "../support/faulty-log.ts";
import { refusalOf } from "../support/refusal.ts";

const KEY: IdempotencyKey = { scope: "alice", key: "order-1" };

function publishOnce(kit: BusKit, key: IdempotencyKey, options: DraftOptions = {}) {
  const answers: (number | string)[] = [];
  const receipt: Receipt = {
    accepted: (offset) => answers.push(offset),
    refused: (error) => answers.push(error.code),
  };
  kit.bus.acceptOnce(draft("a", { payload: "1", ...options }), ANONYMOUS, key, receipt);
  return answers;
}

describe("a publish with an idempotency key", () => {
  test("is published once and answered with the same offset when it is repeated", () => {
    const kit = new BusKit();
    expect(publishOnce(kit, KEY)).toEqual([1]);
    kit.publish("b");
    expect(publishOnce(kit, KEY)).toEqual([1]);
    expect(kit.bus.lastOffset).toBe(2);
  });

  test.each([
    { payload: "2" },
    { qos: 1 },
    { retain: true },
    { properties: { contentType: "text/plain" } },
    { properties: { userProperties: [["a", "b"]] } },
    { properties: { correlationData: new Uint8Array([1]) } },
  ] as const)("is refused as a mismatch with other content: %o", (options) => {
    const kit = new BusKit();
    publishOnce(kit, KEY);
    expect(refusalOf(() => publishOnce(kit, KEY, options)).code).toBe("idempotency_mismatch");
    expect(kit.observer.refusals).toEqual(["idempotency_mismatch"]);
  });

  test("of another publisher is another request", () => {
    const kit = new BusKit();
    publishOnce(kit, KEY);
    expect(publishOnce(kit, { ...KEY, scope: "bob" })).toEqual([2]);
  });

  test("is refused as in progress until the first is durable", () => {
    const log = new FaultyLog();
    const kit = new BusKit({ log });
    const first = publishOnce(kit, KEY);
    expect(refusalOf(() => publishOnce(kit, KEY)).code).toBe("idempotency_in_progress");
    log.settle();
    expect(first).toEqual([1]);
    expect(publishOnce(kit, KEY)).toEqual([1]);
  });

  test("may be made again when its commit failed", () => {
    const log = new FaultyLog();
    const kit = new BusKit({ log });
    const first = publishOnce(kit, KEY);
    log.failNext(1);
    log.settle();
    expect(first).toEqual(["store_unavailable"]);
    const second = publishOnce(kit, KEY);
    log.settle();
    expect(second).toEqual([2]);
  });

  test("may be made again when it was refused at once", () => {
    const kit = new BusKit({ limits: { maxPayloadBytes: 3 } });
    const big = { payload: "1234" };
    expect(refusalOf(() => publishOnce(kit, KEY, big)).code).toBe("too_large");
    expect(publishOnce(kit, KEY)).toEqual([1]);
  });

  test("is forgotten after the window", () => {
    const idempotency = { windowMs: 1_000, maxKeys: 10, maxKeysPerScope: 10 };
    const kit = new BusKit({ limits: { idempotency } });
    publishOnce(kit, KEY);
    kit.clock.advance(999);
    expect(publishOnce(kit, KEY)).toEqual([1]);
    kit.clock.advance(1);
    expect(publishOnce(kit, KEY)).toEqual([2]);
  });

  test("gives way to newer ones of its publisher first, then to anyone's", () => {
    const idempotency = { windowMs: 1_000, maxKeys: 3, maxKeysPerScope: 2 };
    const kit = new BusKit({ limits: { idempotency } });
    publishOnce(kit, { scope: "bob", key: "1" });
    for (const key of ["1", "2", "3"]) publishOnce(kit, { scope: "alice", key });
    expect(publishOnce(kit, { scope: "bob", key: "1" })).toEqual([1]);
    expect(publishOnce(kit, { scope: "alice", key: "1" })).toEqual([5]);
    publishOnce(kit, { scope: "carol", key: "1" });
    expect(publishOnce(kit, { scope: "bob", key: "1" })).toEqual([7]);
  });

  test("is refused when every key remembered is in progress", () => {
    const idempotency = { windowMs: 1_000, maxKeys: 1, maxKeysPerScope: 1 };
    const kit = new BusKit({ log: new FaultyLog(), limits: { idempotency } });
    publishOnce(kit, KEY);
    const other = { ...KEY, key: "order-2" };
    expect(refusalOf(() => publishOnce(kit, other)).code).toBe("limit_exceeded");
  });

  test.each(["", "x".repeat(256)])("is refused with a key of a wrong length", (key) => {
    const thrown = refusalOf(() => publishOnce(new BusKit(), { ...KEY, key }));
    expect(thrown).toBeInstanceOf(GatewayError);
    expect(thrown.code).toBe("bad_request");
  });
});
