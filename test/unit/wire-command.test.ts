import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { parseBulk } from "../../src/wire/bulk.ts";
import { CommandError, parseCommand } from "../../src/wire/command.ts";

const LIMITS = { maxTopicBytes: 40, maxTopicLevels: 4, maxPayloadBytes: 8, maxMessages: 3 };

function parse(command: unknown) {
  return parseCommand(JSON.stringify(command), LIMITS);
}

/** The refusal of a command; fails when it is read. */
function refusal(text: string): CommandError {
  try {
    parseCommand(text, LIMITS);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  return expect.fail(`${text} was read`);
}

const subscribe = { type: "subscribe", id: 1, filter: "a/#" };
const publish = { type: "publish", id: 1, topic: "a/b", payload: "hi" };

describe("commands are read", () => {
  test("subscribe with its defaults: now, disconnect, retained", () => {
    expect(parse(subscribe)).toEqual({
      type: "subscribe",
      id: 1,
      filter: "a/#",
      start: { from: "now" },
      overflow: "disconnect",
      retained: true,
    });
  });

  test.each([
    ["now", { from: "now" }],
    ["earliest", { from: "earliest" }],
    ["abcdefgh-z", { from: "cursor", epoch: "abcdefgh", offset: 35 }],
  ])("subscribe at %s", (cursor, start) => {
    const options = { cursor, retained: false, overflow: "keep-latest" };
    expect(parse({ ...subscribe, ...options })).toMatchObject({
      start,
      retained: false,
      overflow: "keep-latest",
    });
  });

  test("unsubscribe, and ping with and without its time", () => {
    const unsubscribe = { type: "unsubscribe", id: "u", filter: "+" };
    expect(parse(unsubscribe)).toEqual(unsubscribe);
    expect(parse({ type: "ping", id: 0 })).toEqual({ type: "ping", id: 0, sentAt: null });
    expect(parse({ type: "ping", id: 0, sentAt: 1.5 })).toMatchObject({ sentAt: 1.5 });
  });

  test("authenticate by token, or by user and password", () => {
    expect(parse({ type: "authenticate", id: 1, token: "t" })).toMatchObject({
      credentials: { kind: "token", token: "t" },
    });
    expect(parse({ type: "authenticate", id: 1, user: "u", password: "" })).toMatchObject({
      credentials: { kind: "password", user: "u", password: "" },
    });
  });

  test("publish without id, without properties", () => {
    expect(parse({ type: "publish", topic: "a", payload: "" })).toEqual({
      type: "publish",
      id: null,
      topic: "a",
      payload: new Uint8Array(0),
      retain: false,
      properties: null,
      idempotencyKey: null,
    });
  });

  test("publish of exactly as many bytes as the limit, as text and as base64", () => {
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    const payload = Buffer.from(bytes).toString("base64");
    expect(parse({ ...publish, payload, encoding: "base64" })).toMatchObject({ payload: bytes });
    expect(parse({ ...publish, payload: "éééé" })).toMatchObject({
      payload: new TextEncoder().encode("éééé"),
    });
  });

  test("an id may be any integer of 0…2^53−1 or text of up to 64 bytes", () => {
    for (const id of [0, 2 ** 53 - 1, "", "x".repeat(64), "é".repeat(32)]) {
      expect(parse({ ...subscribe, id })).toMatchObject({ id });
    }
  });
});

/** What is wrong, the command, the code, and the words the message must hold. */
const REFUSED: readonly [string, Record<string, unknown>, ErrorCode, readonly string[]][] = [
  ["an unknown field", { ...publish, retian: true }, "bad_request", ["retian", "publish"]],
  [
    "__proto__ as a field",
    JSON.parse('{"type":"ping","id":1,"__proto__":1}'),
    "bad_request",
    ["__proto__"],
  ],
  ["a field of another command", { ...subscribe, topic: "a" }, "bad_request", ["topic"]],
  ["an unknown type", { type: "publsh", id: 1 }, "bad_request", ["type", "publish"]],
  ["no type", { id: 1 }, "bad_request", ["type", "missing", "string"]],
  ["a type that is no text", { type: 5, id: 1 }, "bad_request", ["type", "the number 5"]],
  [
    "retain as text",
    { ...publish, retain: "yes" },
    "bad_request",
    ["retain", "a string", "boolean"],
  ],
  ["retain as null", { ...publish, retain: null }, "bad_request", ["retain", "null", "boolean"]],
  [
    "a payload that is an object",
    { ...publish, payload: {} },
    "bad_request",
    ["payload", "object"],
  ],
  ["no payload", { type: "publish", id: 1, topic: "a" }, "bad_request", ["payload", "missing"]],
  ["a lone surrogate", { ...publish, payload: "\ud800" }, "bad_request", ["payload", "surrogate"]],
  ["an unknown encoding", { ...publish, encoding: "hex" }, "bad_request", ["encoding", "base64"]],
  ["bad base64", { ...publish, payload: "aGk", encoding: "base64" }, "bad_request", ["payload"]],
  ["a payload over the limit", { ...publish, payload: "123456789" }, "too_large", ["9", "8"]],
  ["one that only its bytes are over", { ...publish, payload: "ééééé" }, "too_large", ["10", "8"]],
  [
    "base64 over the limit",
    { ...publish, payload: "AAAAAAAAAAAA", encoding: "base64" },
    "too_large",
    ["9", "8"],
  ],
  ["a wildcard in a topic", { ...publish, topic: "a/+" }, "invalid_topic", ["wildcard"]],
  ["a topic over the limit", { ...publish, topic: "a".repeat(41) }, "invalid_topic", ["41", "40"]],
  ["a topic of too many levels", { ...publish, topic: "////" }, "invalid_topic", ["5", "4"]],
  ["a response topic with a wildcard", { ...publish, responseTopic: "#" }, "invalid_topic", ["#"]],
  ["a malformed filter", { ...subscribe, filter: "a#" }, "invalid_filter", ["#"]],
  ["a malformed cursor", { ...subscribe, cursor: "later" }, "bad_request", ["later", "cursor"]],
  [
    "an unknown policy",
    { ...subscribe, overflow: "drop" },
    "bad_request",
    ["overflow", "drop-oldest"],
  ],
  ["an expiry below 0", { ...publish, expiry: -1 }, "bad_request", ["expiry", "-1"]],
  ["a fractional expiry", { ...publish, expiry: 1.5 }, "bad_request", ["expiry", "1.5"]],
  [
    "an expiry over 2^32−1",
    { ...publish, expiry: 2 ** 32 },
    "bad_request",
    ["expiry", "4294967295"],
  ],
  [
    "properties that are an object",
    { ...publish, userProperties: {} },
    "bad_request",
    ["userProperties"],
  ],
  ["a pair of one", { ...publish, userProperties: [["a"]] }, "bad_request", ["item 0"]],
  [
    "a pair with a number",
    {
      ...publish,
      userProperties: [
        ["a", "b"],
        ["a", 1],
      ],
    },
    "bad_request",
    ["item 1"],
  ],
  ["a pair with U+0000", { ...publish, userProperties: [["a", "\0"]] }, "bad_request", ["item 0"]],
  [
    "a content type with a lone surrogate",
    { ...publish, contentType: "\udc00" },
    "bad_request",
    ["contentType", "surrogate"],
  ],
  ["a content type with U+0000", { ...publish, contentType: "\0" }, "bad_request", ["contentType"]],
  [
    "a content type over 65,535 bytes",
    { ...publish, contentType: "é".repeat(32_768) },
    "bad_request",
    ["65535"],
  ],
  [
    "bad correlation data",
    { ...publish, correlationData: "?" },
    "bad_request",
    ["correlationData"],
  ],
  ["an empty key", { ...publish, idempotencyKey: "" }, "bad_request", ["idempotencyKey"]],
  [
    "a key of 256 characters",
    { ...publish, idempotencyKey: "x".repeat(256) },
    "bad_request",
    ["255"],
  ],
  ["a key that is not ASCII", { ...publish, idempotencyKey: "é" }, "bad_request", ["ASCII"]],
  [
    "a time that is text",
    { type: "ping", id: 1, sentAt: "now" },
    "bad_request",
    ["sentAt", "number"],
  ],
  [
    "a token and a user",
    { type: "authenticate", id: 1, token: "t", user: "u" },
    "bad_request",
    ["token"],
  ],
  [
    "a user without password",
    { type: "authenticate", id: 1, user: "u" },
    "bad_request",
    ["password"],
  ],
];

describe("commands are refused", () => {
  test.each(REFUSED)("for %s, by code, in words, with the id", (_why, command, code, words) => {
    const error = refusal(JSON.stringify(command));
    expect(error.code).toBe(code);
    expect(error.commandId).toBe(1);
    for (const word of words) expect(error.message).toContain(word);
  });

  test.each([
    ["missing", undefined],
    ["negative", -1],
    ["fractional", 0.5],
    ["over 2^53−1", 2 ** 53],
    ["null", null],
    ["65 bytes long", "x".repeat(65)],
    ["66 bytes long in 33 characters", "é".repeat(33)],
    ["an array", [1]],
  ])("when the id is %s, and the refusal names none", (_why, id) => {
    const error = refusal(JSON.stringify({ ...subscribe, id }));
    expect(error).toMatchObject({ code: "bad_request", commandId: null });
    expect(error.message).toContain("id");
  });

  test.each(["", "{", "[]", "null", "5", '"publish"', '{"type":"ping","id":1}}'])(
    "when the text is %j",
    (text) => {
      expect(refusal(text)).toMatchObject({ code: "bad_request", commandId: null });
    },
  );

  test("without repeating a secret that has the wrong type or stands in the wrong field", () => {
    const error = refusal(
      JSON.stringify({ type: "authenticate", id: 1, token: "s3cret", password: "s3cret" }),
    );
    expect(error.message).not.toContain("s3cret");
  });
});

describe("bulk publish", () => {
  test("takes publish commands, with or without type and id", () => {
    const bulk = parseBulk(
      JSON.stringify([publish, { topic: "b", payload: "", retain: true }]),
      LIMITS,
    );
    expect(bulk).toMatchObject({
      is: "complete",
      commands: [
        { id: 1, topic: "a/b" },
        { id: null, topic: "b", retain: true },
      ],
    });
    expect(parseBulk("[]", LIMITS)).toEqual({ is: "complete", commands: [] });
  });

  test("names every command that is refused, by index, code and message", () => {
    const bulk = parseBulk(
      JSON.stringify([{ ...publish, type: "subscribe" }, publish, { ...publish, topic: "+" }]),
      LIMITS,
    );
    expect(bulk).toMatchObject({
      is: "refused",
      errors: [
        { index: 0, code: "bad_request", message: expect.stringContaining("type") },
        { index: 2, code: "invalid_topic", message: expect.stringContaining("+") },
      ],
    });
  });

  test.each([
    ["{}", "bad_request"],
    ["[", "bad_request"],
    [JSON.stringify([publish, publish, publish, publish]), "too_large"],
  ] as const)("refuses %s whole", (text, code) => {
    expect(() => parseBulk(text, LIMITS)).toThrow(expect.objectContaining({ code }));
  });
});
