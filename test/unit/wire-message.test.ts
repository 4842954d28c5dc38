import { describe, expect, test } from "vitest";
import { formatCursor } from "../../src/bus/cursor.ts";
import type { Message } from "../../src/bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../../src/bus/topic.ts";
import {
  encodeBinaryMessage,
  encodeBinaryPublish,
  parseBinaryMessage,
  parseBinaryPublish,
} from "../../src/wire/binary-frame.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { encodeMessageFrame, encodeSubscriptionFrame } from "../../src/wire/frame.ts";
import { parseServerFrame } from "../../src/wire/frame-parser.ts";
import { encodeJsonMessage, parseJsonMessage } from "../../src/wire/json-message.ts";
import { encodePollBody, parsePollBody } from "../../src/wire/poll.ts";

const EPOCH = "k3v9x2m1q8";

function messageOf(parts: Partial<Message> = {}): Message {
  return {
    topic: parseTopic("room/1", PROTOCOL_TOPIC_LIMITS),
    payload: new TextEncoder().encode("hi"),
    qos: 1,
    retain: false,
    properties: {},
    origin: { transport: "mqtt", sessionId: "s-1" },
    receivedAt: 1_790_000_000_000,
    offset: 46,
    acceptedAt: 1_790_000_000_000.25,
    ...parts,
  };
}

function textOf(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter();
  write(out);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(out.view());
}

const full = messageOf({
  properties: {
    contentType: "text/plain",
    userProperties: [
      ["k", "v"],
      ["k", "ü"],
    ],
    responseTopic: "reply/é",
    correlationData: Uint8Array.from([0, 255]),
    payloadFormat: 1,
    expiry: 60,
  },
});

describe("the JSON message", () => {
  test("has the fields of the contract, in order, and none that are absent", () => {
    expect(textOf((out) => encodeJsonMessage(messageOf(), out, EPOCH))).toBe(
      '{"topic":"room/1","payload":"hi","encoding":"utf8","qos":1,"cursor":"k3v9x2m1q8-1a",' +
        '"ingress":"mqtt","acceptedAt":1790000000000.25}',
    );
  });

  test("carries every property", () => {
    expect(JSON.parse(textOf((out) => encodeJsonMessage(full, out, EPOCH)))).toEqual({
      topic: "room/1",
      payload: "hi",
      encoding: "utf8",
      contentType: "text/plain",
      userProperties: [
        ["k", "v"],
        ["k", "ü"],
      ],
      responseTopic: "reply/é",
      correlationData: "AP8=",
      expiry: 60,
      qos: 1,
      cursor: formatCursor(EPOCH, 46),
      ingress: "mqtt",
      acceptedAt: 1_790_000_000_000.25,
    });
  });

  test("of a retained delivery says so and carries no cursor", () => {
    const json: unknown = JSON.parse(textOf((out) => encodeJsonMessage(full, out, null, true)));
    expect(json).toHaveProperty("retained", true);
    expect(json).not.toHaveProperty("cursor");
  });

  test.each([
    ["empty", [], "", "utf8"],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x61], "\ufeffa", "utf8"],
    ["a surrogate in UTF-8", [0xed, 0xa0, 0x80], "7aCA", "base64"],
    ["an overlong slash", [0xc0, 0xaf], "wK8=", "base64"],
    ["past U+10FFFF", [0xf4, 0x90, 0x80, 0x80], "9JCAgA==", "base64"],
    ["a sequence cut short", [0x61, 0xe2, 0x82], "YeKC", "base64"],
  ])("payload that is %s keeps every byte", (_what, bytes, payload, encoding) => {
    const message = messageOf({ payload: Uint8Array.from(bytes) });
    const json: unknown = JSON.parse(textOf((out) => encodeJsonMessage(message, out, EPOCH)));
    expect(json).toMatchObject({ payload, encoding });
    expect(parseJsonMessage(json).payload).toEqual(message.payload);
  });

  test("is one line whatever the payload holds", () => {
    const payload = Uint8Array.from({ length: 128 }, (_, code) => code);
    const text = textOf((out) => encodeJsonMessage(messageOf({ payload }), out, EPOCH));
    expect(text).not.toMatch(/[\r\n\0]/);
    expect(parseJsonMessage(JSON.parse(text)).payload).toEqual(payload);
  });

  test("holds no U+2028 or U+2029, at which Node's readline and Python's splitlines end a line", () => {
    const separators = "a\u2028b\u2029c\u2027\u202a";
    const topic = parseTopic(`room/${separators}`, PROTOCOL_TOPIC_LIMITS);
    const payload = new TextEncoder().encode(`"${separators}`);
    const userProperties = [["k", separators]] as const;
    const message = messageOf({ topic, payload, properties: { userProperties } });
    const text = textOf((out) => encodeJsonMessage(message, out, EPOCH));
    expect(text).not.toMatch(/[\u2028\u2029]/);
    expect(parseJsonMessage(JSON.parse(text))).toMatchObject({
      topic,
      payload,
      properties: { userProperties },
    });
  });

  test("is read although it has fields a later gateway added", () => {
    const json: unknown = JSON.parse(textOf((out) => encodeJsonMessage(full, out, EPOCH)));
    expect(parseJsonMessage({ ...Object(json), later: 1 })).toMatchObject({ topic: "room/1" });
  });

  test.each([
    ["topic", "a/#", "invalid_topic"],
    ["topic", 1, "bad_request"],
    ["payload", 1, "bad_request"],
    ["encoding", "hex", "bad_request"],
    ["qos", 3, "bad_request"],
    ["retained", 1, "bad_request"],
    ["cursor", "x", "bad_request"],
    ["ingress", "pigeon", "bad_request"],
    ["ingress", "toString", "bad_request"],
    ["acceptedAt", "now", "bad_request"],
    ["correlationData", "?", "bad_request"],
  ])("with %s of %j is refused", (field, value, code) => {
    const json: unknown = JSON.parse(textOf((out) => encodeJsonMessage(full, out, EPOCH)));
    expect(() => parseJsonMessage({ ...Object(json), [field]: value })).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe("the message frame", () => {
  test("of a live message names no subscription", () => {
    const text = textOf((out) => encodeMessageFrame(full, out, EPOCH));
    expect(text.startsWith('{"type":"message","topic":"room/1","payload":"hi"')).toBe(true);
    expect(parseServerFrame(text)).toMatchObject({
      subscription: null,
      message: { isRetained: false, cursor: formatCursor(EPOCH, 46) },
    });
  });

  test.each([
    [7, "recovered", false, formatCursor(EPOCH, 46)],
    ['a"b', "retained", true, null],
  ] as const)("of subscription %j names it when %s", (subscription, as, isRetained, cursor) => {
    const delivery = { subscription, as };
    const text = textOf((out) => encodeSubscriptionFrame(full, out, EPOCH, delivery));
    expect(parseServerFrame(text)).toMatchObject({
      subscription,
      message: { isRetained, cursor },
    });
  });
});

describe("the binary message frame", () => {
  const payload = Uint8Array.from({ length: 256 }, (_, byte) => byte);

  test("is header length, header without payload and encoding, payload as it is", () => {
    const out = new ByteWriter();
    out.ascii("before");
    expect(encodeBinaryMessage(messageOf({ payload }), out, EPOCH)).toBe(true);
    const frame = out.view(6);
    const headerBytes = ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
    expect(new TextDecoder().decode(frame.subarray(2, 2 + headerBytes))).toBe(
      '{"type":"message","topic":"room/1","qos":1,"cursor":"k3v9x2m1q8-1a",' +
        '"ingress":"mqtt","acceptedAt":1790000000000.25}',
    );
    expect(frame.subarray(2 + headerBytes)).toEqual(payload);
  });

  test.each([
    null,
    { subscription: 3, as: "recovered" },
    { subscription: "s", as: "retained" },
  ] as const)("is read back, delivered as %j", (delivery) => {
    const out = new ByteWriter();
    encodeBinaryMessage({ ...full, payload }, out, EPOCH, delivery);
    const isRetained = delivery?.as === "retained";
    expect(parseBinaryMessage(out.view())).toMatchObject({
      subscription: delivery?.subscription ?? null,
      message: { payload, isRetained, cursor: isRetained ? null : formatCursor(EPOCH, 46) },
    });
  });

  test("whose header would be over 65,535 bytes is not written: such a message goes as text", () => {
    const overhead = headerBytesFor("");
    const fits = "x".repeat(65_535 - overhead);
    expect(headerBytesFor(fits)).toBe(65_535);
    const out = new ByteWriter();
    out.ascii("kept");
    const message = messageOf({ properties: { contentType: `${fits}x` } });
    expect(encodeBinaryMessage(message, out, EPOCH)).toBe(false);
    expect(new TextDecoder().decode(out.view())).toBe("kept");
  });

  function headerBytesFor(contentType: string): number {
    const out = new ByteWriter();
    encodeBinaryMessage(messageOf({ properties: { contentType } }), out, EPOCH);
    return ((out.view()[0] ?? 0) << 8) | (out.view()[1] ?? 0);
  }

  test.each([
    ["empty", []],
    ["one byte", [0]],
    ["shorter than its header", [0, 3, 0x7b, 0x7d]],
    ["of a header that is not UTF-8", [0, 1, 0xff]],
    ["of a header that is not JSON", [0, 1, 0x7b]],
    ["of another type", [0, 2, 0x7b, 0x7d]],
  ])("that is %s is refused", (_what, bytes) => {
    expect(() => parseBinaryMessage(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  });
});

describe("the binary publish frame", () => {
  const limits = { ...PROTOCOL_TOPIC_LIMITS, maxPayloadBytes: 2 };

  test("whose header runs past its end is refused, though what is there could be read", () => {
    const frame = encodeBinaryPublish({ topic: "a", payload: new Uint8Array(0) });
    expect(parseBinaryPublish(frame, limits)).toMatchObject({ topic: "a" });
    frame[1] = (frame[1] ?? 0) + 1;
    expect(() => parseBinaryPublish(frame, limits)).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  });

  test("takes a header of 65,535 bytes and no longer one", () => {
    const overhead = '{"type":"publish","topic":"a","contentType":""}'.length;
    const request = (bytes: number) => ({
      topic: "a",
      payload: new Uint8Array(0),
      properties: { contentType: "x".repeat(bytes - overhead) },
    });
    expect(encodeBinaryPublish(request(65_535))).toHaveLength(65_537);
    expect(() => encodeBinaryPublish(request(65_536))).toThrow(
      expect.objectContaining({ code: "too_large" }),
    );
  });

  test("has no payload or encoding among its fields, and names its id when refused", () => {
    const header = new TextEncoder().encode('{"type":"publish","id":9,"topic":"a","payload":""}');
    const frame = Uint8Array.from([0, header.length, ...header]);
    expect(() => parseBinaryPublish(frame, limits)).toThrow(
      expect.objectContaining({ code: "bad_request", commandId: 9 }),
    );
  });

  test("is refused when its payload is over the limit", () => {
    const frame = encodeBinaryPublish({ id: "x", topic: "a", payload: new Uint8Array(3) });
    expect(() => parseBinaryPublish(frame, limits)).toThrow(
      expect.objectContaining({ code: "too_large", commandId: "x" }),
    );
  });
});

describe("the poll body", () => {
  test.each([0, 1, 3])("holds %i messages that were encoded before", (count) => {
    const one = new ByteWriter();
    encodeJsonMessage(full, one, EPOCH);
    const cursor = formatCursor(EPOCH, 46);
    const text = textOf((out) =>
      encodePollBody(out, EPOCH, Array<Uint8Array>(count).fill(one.view()), cursor, count === 3),
    );
    expect(Object.keys(Object(JSON.parse(text)))).toEqual([
      "epoch",
      "messages",
      "cursor",
      "upToDate",
    ]);
    const body = parsePollBody(text);
    expect(body).toMatchObject({ epoch: EPOCH, cursor, isUpToDate: count === 3 });
    expect(body.messages).toHaveLength(count);
  });
});
