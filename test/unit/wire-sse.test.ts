import { describe, expect, test } from "vitest";
import { formatCursor } from "../../src/bus/cursor.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../../src/bus/topic.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import {
  encodeSseMessage,
  encodeSseRetained,
  formatSseBlock,
  formatSseComment,
  formatSseGap,
  formatSsePosition,
  formatSseRetry,
} from "../../src/wire/sse.ts";
import { SseDecoder } from "../../src/wire/sse-decoder.ts";

const EPOCH = "k3v9x2m1q8";

function decode(text: string, decoder = new SseDecoder()) {
  return decoder.push(new TextEncoder().encode(text));
}

const message = {
  topic: parseTopic("a\r\nid: 9\n\nb", PROTOCOL_TOPIC_LIMITS),
  payload: new TextEncoder().encode("x\n\nevent: gap\n\n"),
  qos: 0,
  retain: true,
  properties: {},
  origin: { transport: "http", sessionId: "s" },
  receivedAt: 0,
  offset: 35,
  acceptedAt: 1,
} as const;

describe("event blocks", () => {
  test("of a message have its cursor as id, and no client's text can end them", () => {
    const out = new ByteWriter();
    encodeSseMessage(message, out, EPOCH);
    const text = new TextDecoder().decode(out.view());
    expect(text).toMatch(/^id: k3v9x2m1q8-z\nevent: message\ndata: \{.*\}\n\n$/);
    expect(decode(text)).toEqual([
      { id: "k3v9x2m1q8-z", event: "message", data: expect.stringContaining('"cursor"') },
    ]);
  });

  test("of a retained message have no id, so that they move no position", () => {
    const out = new ByteWriter();
    encodeSseRetained(message, out);
    const text = new TextDecoder().decode(out.view());
    expect(text).toMatch(/^event: message\ndata: \{.*"retained":true.*\}\n\n$/);
    expect(text).not.toContain("cursor");
  });

  test("of a gap have the earliest cursor as id", () => {
    const from = formatCursor(EPOCH, 1);
    const earliest = formatCursor(EPOCH, 9);
    const gap = { type: "gap", from, earliest, reason: "retention" } as const;
    const [event] = decode(formatSseGap(gap));
    expect(event).toMatchObject({ id: earliest, event: "gap" });
    expect(JSON.parse(event?.data ?? "")).toEqual(gap);
  });

  test("of a position raise no event and still move the last event id", () => {
    const decoder = new SseDecoder();
    expect(decode(formatSsePosition(formatCursor(EPOCH, 9)), decoder)).toEqual([]);
    expect(decoder.lastEventId).toBe("k3v9x2m1q8-9");
  });

  test.each(["a\rb", "a\nb", "a\0b"])("refuse %j in id, event and comment", (text) => {
    expect(() => formatSseBlock({ id: text })).toThrow(RangeError);
    expect(() => formatSseBlock({ event: text })).toThrow(RangeError);
    expect(() => formatSseComment(text)).toThrow(RangeError);
  });

  test("put every line of the data in a field of its own, however it ends", () => {
    expect(formatSseBlock({ data: "a\nb\r\nc\rd" })).toBe("data: a\ndata: b\ndata: c\ndata: d\n\n");
  });

  test("state a retry delay in whole milliseconds", () => {
    const decoder = new SseDecoder();
    decode(formatSseRetry(1_500), decoder);
    expect(decoder.retryMs).toBe(1_500);
    for (const delay of [-1, 0.5, Number.NaN]) {
      expect(() => formatSseRetry(delay)).toThrow(RangeError);
    }
  });
});

describe("the decoder", () => {
  test("keeps an id until another comes, and ignores one that holds U+0000 [WHATWG HTML §9.2.6]", () => {
    const events = decode("id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n");
    expect(events.map(({ id }) => id)).toEqual(["1", "1", "1", ""]);
  });

  test("moves the last event id with the block, not with the field [WHATWG HTML §9.2.6]", () => {
    const decoder = new SseDecoder();
    decode("id: 1\n", decoder);
    expect(decoder.lastEventId).toBe("");
    decode("\n", decoder);
    expect(decoder.lastEventId).toBe("1");
  });

  test("forgets the event name of a block without data [WHATWG HTML §9.2.6]", () => {
    expect(decode("event: x\n\ndata: a\n\n")).toMatchObject([{ event: "message" }]);
  });

  test("drops a block the stream ends in [WHATWG HTML §9.2.6]", () => {
    expect(decode("data: a\n")).toEqual([]);
  });

  test("ignores a retry that is no whole number", () => {
    const decoder = new SseDecoder();
    decode("retry: 1.5\nretry: -1\nretry:\n", decoder);
    expect(decoder.retryMs).toBe(null);
  });

  test.each([
    ["one line", "data: 12345678901"],
    ["a line of no known field", "x".repeat(12)],
    ["many lines", "data: 12345\ndata: 12345\n"],
    ["many empty lines", "data\n".repeat(12)],
  ])("refuses an event over its limit in %s", (_what, text) => {
    expect(() => decode(text, new SseDecoder(10))).toThrow(
      expect.objectContaining({ code: "too_large" }),
    );
  });

  test("takes any number of events within its limit", () => {
    const decoder = new SseDecoder(20);
    expect(decode("data: 1234567890\n\n".repeat(50), decoder)).toHaveLength(50);
  });
});
