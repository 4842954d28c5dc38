import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WireCount } from "../../src/compare/cost/wire-tally.ts";
import type { Targets } from "../../src/compare/driver/driver.ts";
import { EGRESS_NAMES, INGRESS_NAMES } from "../../src/compare/plan.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { exchangeThroughTaps, targetsOf } from "../support/tapped-exchange.ts";

const MESSAGES = 5;
/** A PUBLISH of it and of a 20-byte topic stays below 128 bytes, where the length takes one byte. */
const SMALL = 64;

let gateway: RunningGateway;
let targets: Targets;

beforeAll(async () => {
  gateway = await startGateway();
  targets = targetsOf(gateway);
});

afterAll(() => gateway.stop());

function sumOf({ bytes }: WireCount): number {
  return Object.values(bytes).reduce((sum, each) => sum + each, 0);
}

/** Of one message. */
function each({ bytes }: WireCount) {
  return Object.fromEntries(
    Object.entries(bytes).map(([cause, count]) => [cause, count / MESSAGES]),
  );
}

const NOTHING = { handshake: 0, framing: 0, envelope: 0, acknowledgement: 0, keepAlive: 0 };

function exchange(options: Partial<Parameters<typeof exchangeThroughTaps>[1]>) {
  return exchangeThroughTaps(targets, {
    ingress: "tcp",
    egress: "tcp",
    payloadBytes: SMALL,
    messages: MESSAGES,
    ...options,
  });
}

describe("MQTT with a 20-byte topic costs to the byte what its specification says", () => {
  test("QoS 0: 24 bytes and the payload (3.1.1 §3.3: 1 + 1 + 2 + 20)", async () => {
    const { ingress, egress } = await exchange({
      ingress: "mqtt-qos0",
      egress: "mqtt",
    });
    expect(each(ingress)).toEqual({ ...NOTHING, framing: 24, payload: SMALL });
    expect(each(egress)).toEqual({ ...NOTHING, framing: 24, payload: SMALL });
  });

  test("QoS 1: 26 bytes, the payload, and 4 of PUBACK (§3.4)", async () => {
    const { ingress, egress } = await exchange({ ingress: "mqtt-qos1", egress: "mqtt" });
    const expected = { ...NOTHING, framing: 26, payload: SMALL, acknowledgement: 4 };
    expect(each(ingress)).toEqual(expected);
    expect(each(egress)).toEqual(expected);
    expect(ingress).toMatchObject({ up: MESSAGES * (26 + SMALL), down: MESSAGES * 4 });
    expect(egress).toMatchObject({ up: MESSAGES * 4, down: MESSAGES * (26 + SMALL) });
  });

  test("QoS 2: 26 bytes, the payload, and 12 of PUBREC, PUBREL and PUBCOMP (§3.5–3.7)", async () => {
    const { ingress } = await exchange({
      ingress: "mqtt-ws",
      egress: "mqtt",
      factors: { qos: 2 },
    });
    // Each packet in a frame of its own: 6 bytes up, 2 down (RFC 6455 §5.2).
    expect(each(ingress)).toEqual({
      ...NOTHING,
      framing: 26 + 6,
      payload: SMALL,
      acknowledgement: 4 + 2 + (4 + 6) + 4 + 2,
    });
  });

  test("from 128 bytes on, the length takes a second byte (§2.2.3)", async () => {
    const { egress } = await exchange({
      ingress: "mqtt-qos0",
      egress: "mqtt",
      payloadBytes: 106,
    });
    expect(each(egress)).toEqual({ ...NOTHING, framing: 25, payload: 106 });
  });
});

describe("a WebSocket frame costs to the byte what RFC 6455 §5.2 says", () => {
  test("around a small MQTT packet: 6 bytes up, masked, and 2 down", async () => {
    const { ingress, egress } = await exchange({ ingress: "mqtt-ws", egress: "mqtt-ws" });
    expect(each(ingress)).toEqual({
      ...NOTHING,
      framing: 26 + 6,
      payload: SMALL,
      acknowledgement: 4 + 2,
    });
    expect(each(egress)).toEqual({
      ...NOTHING,
      framing: 26 + 2,
      payload: SMALL,
      acknowledgement: 4 + 6,
    });
  });

  test("around 126 bytes and more: 8 up and 4 down", async () => {
    const { ingress, egress } = await exchange({
      ingress: "websocket-binary",
      egress: "websocket-binary",
      payloadBytes: 200,
    });
    expect(each(ingress)).toMatchObject({ framing: 8, payload: 200 });
    expect(each(egress)).toMatchObject({ framing: 4, payload: 200 });
  });

  test("compressed, the bytes on the wire are those that are charged", async () => {
    const offering = await startGateway({
      websocket: { compression: { enabled: true, thresholdBytes: 0 } },
    });
    try {
      const { ingress, egress } = await exchangeThroughTaps(targetsOf(offering), {
        ingress: "websocket",
        egress: "websocket",
        payloadBytes: 1_000,
        messages: MESSAGES,
        factors: { compression: true },
      });
      for (const count of [ingress, egress]) expect(sumOf(count)).toBe(count.up + count.down);
      expect(egress.down).toBeLessThan(MESSAGES * 1_000);
    } finally {
      await offering.stop();
    }
  });
});

test("raw TCP costs one byte, the line's end, beside JSON", async () => {
  const { egress } = await exchange({});
  expect(each(egress)).toMatchObject({ framing: 1, payload: SMALL, acknowledgement: 0 });
});

test("a POST is one request on a connection that stays, or on one of its own", async () => {
  const kept = await exchange({ ingress: "http" });
  expect(kept.ingress).toMatchObject({ requests: MESSAGES, connections: 1 });
  expect(each(kept.ingress)).toMatchObject({ payload: SMALL, envelope: 0, handshake: 0 });
  const anew = await exchange({ ingress: "http", factors: { connections: "per-request" } });
  expect(anew.ingress).toMatchObject({ requests: MESSAGES, connections: MESSAGES });
});

test("a held poll is one request a message; a plain one asks in vain, too", async () => {
  const held = await exchange({ egress: "poll" });
  expect(held.egress.requests).toBe(MESSAGES);
  expect(held.egress.bytes.keepAlive).toBe(0);
  const plain = await exchange({ egress: "plain-poll" });
  expect(plain.egress.requests).toBeGreaterThanOrEqual(MESSAGES);
  expect(plain.egress.bytes.payload).toBe(MESSAGES * SMALL);
});

test.each(INGRESS_NAMES)("every byte of %s is charged to one cause", async (ingress) => {
  const found = await exchange({ ingress, payloadBytes: 300 });
  expect(found.ingress.bytes.payload).toBe(MESSAGES * 300);
  expect(sumOf(found.ingress)).toBe(found.ingress.up + found.ingress.down);
});

test.each(EGRESS_NAMES.filter((name) => !name.endsWith("poll")))(
  "every byte to a reader on %s is charged to one cause",
  async (egress) => {
    const found = await exchange({ egress, payloadBytes: 300 });
    expect(found.egress.bytes.payload).toBe(MESSAGES * 300);
    expect(sumOf(found.egress)).toBe(found.egress.up + found.egress.down);
  },
);
