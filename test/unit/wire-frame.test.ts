import { describe, expect, test } from "vitest";
import { formatCursor } from "../../src/bus/cursor.ts";
import { GatewayError } from "../../src/errors.ts";
import { encodeBulk, encodeCommand } from "../../src/wire/command-request.ts";
import { type ControlFrame, encodeFrame, errorFrame } from "../../src/wire/frame.ts";
import { parseServerFrame } from "../../src/wire/frame-parser.ts";

const cursor = formatCursor("k3v9x2m1q8", 46);

const FRAMES: readonly ControlFrame[] = [
  {
    type: "welcome",
    subprotocol: "tributary.v1.json",
    sessionId: "s",
    epoch: "k3v9x2m1q8",
    heartbeatSeconds: 0.5,
    maxPayloadBytes: 1_048_576,
  },
  { type: "authenticated", id: 1 },
  { type: "subscribed", id: 1, filter: "a/#", cursor, delivery: "at-most-once", recovered: false },
  { type: "live", id: "x", cursor },
  { type: "position", cursor },
  { type: "gap", filter: "a", from: cursor, earliest: cursor, reason: "epoch" },
  { type: "gap", from: cursor, earliest: cursor, reason: "store" },
  { type: "dropped", filter: "a", count: 2, first: 5, last: 9, reason: "drop_oldest" },
  { type: "published", id: 1, cursor, offset: 46 },
  { type: "unsubscribed", id: 1, filter: "a" },
  { type: "pong", id: 1, sentAt: 1.5, now: 2.5 },
  { type: "pong", id: 1, now: 2.5 },
  { type: "error", id: "x", code: "forbidden", message: "no", retryable: false },
  { type: "error", code: "draining", message: "bye", retryable: true },
];

describe("a frame of the gateway", () => {
  test.each(FRAMES.map((frame) => [frame.type, frame] as const))(
    "%s is one line, and read back as written",
    (_type, frame) => {
      const text = encodeFrame(frame);
      expect(text).not.toContain("\n");
      expect(parseServerFrame(text)).toEqual(frame);
    },
  );

  test.each(FRAMES.map((frame) => [frame.type, frame] as const))(
    "%s is refused when a field is missing or of another type",
    (_type, frame) => {
      const optional = new Set(["id", "sentAt", "filter"]);
      for (const name of Object.keys(frame)) {
        const wrong = { ...frame, [name]: { not: "this" } };
        expect(() => parseServerFrame(JSON.stringify(wrong))).toThrow(GatewayError);
        if (optional.has(name)) continue;
        const missing = { ...frame, [name]: undefined };
        expect(() => parseServerFrame(JSON.stringify(missing))).toThrow(GatewayError);
      }
    },
  );

  test("of a refusal has the code of the table and whether to try again", () => {
    const error = new GatewayError("rate_limited", "slow down");
    expect(errorFrame(error, 7)).toEqual({
      type: "error",
      id: 7,
      code: "rate_limited",
      message: "slow down",
      retryable: true,
    });
    expect(errorFrame(error, null)).not.toHaveProperty("id");
  });

  test("of a type the client does not know is refused", () => {
    for (const type of ["surprise", "toString", "__proto__"]) {
      expect(() => parseServerFrame(JSON.stringify({ type }))).toThrow(
        expect.objectContaining({ code: "bad_request" }),
      );
    }
  });
});

describe("what a client says", () => {
  test("stands on one line, field for field", () => {
    expect(encodeCommand({ type: "subscribe", id: 1, filter: "a/#", cursor: "earliest" })).toBe(
      '{"type":"subscribe","id":1,"filter":"a/#","cursor":"earliest"}',
    );
  });

  test("in bulk is an array of publish commands", () => {
    const payload = Uint8Array.from([0xff]);
    expect(JSON.parse(encodeBulk([{ topic: "a", payload }]))).toEqual([
      { type: "publish", topic: "a", payload: "/w==", encoding: "base64" },
    ]);
    expect(encodeBulk([])).toBe("[]");
  });
});
