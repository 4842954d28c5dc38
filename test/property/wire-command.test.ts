import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCursor } from "../../src/bus/cursor.ts";
import type { MessageProperties } from "../../src/bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS } from "../../src/bus/topic.ts";
import { GatewayError } from "../../src/errors.ts";
import { encodeBinaryPublish, parseBinaryPublish } from "../../src/wire/binary-frame.ts";
import { parseBulk } from "../../src/wire/bulk.ts";
import { CommandError, parseCommand } from "../../src/wire/command.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { parseServerFrame } from "../../src/wire/frame-parser.ts";
import { parsePollBody } from "../../src/wire/poll.ts";
import { parseProblem } from "../../src/wire/problem.ts";
import { encodePublish, type PublishRequest } from "../../src/wire/publish-command.ts";

const LIMITS = { ...PROTOCOL_TOPIC_LIMITS, maxPayloadBytes: 1_000, maxMessages: 10 };
const RUNS = { numRuns: 3_000 };

/** The words of the grammar beside arbitrary JSON, so that values get past the first check. */
const word = fc.constantFrom(
  ...["authenticate", "subscribe", "unsubscribe", "publish", "ping", "message", "welcome", "live"],
  ...["earliest", "now", "disconnect", "utf8", "base64", "a/b", "a/#", "=", "aGk=", "\ud800", ""],
);
const fieldName = fc.constantFrom(
  ...["type", "id", "topic", "filter", "payload", "encoding", "retain", "retian", "cursor"],
  ...["retained", "overflow", "token", "user", "password", "sentAt", "contentType", "expiry"],
  ...["userProperties", "responseTopic", "correlationData", "idempotencyKey", "__proto__"],
  ...["code", "detail", "messages", "epoch", "upToDate", "qos", "ingress", "acceptedAt"],
);
const value = fc.oneof(word, fc.jsonValue(), fc.constantFrom(0, 1, -1, 1.5, 2 ** 53, 1e308, null));
const object = fc
  .array(fc.tuple(fieldName, value), { maxLength: 8 })
  .map((pairs) => `{${pairs.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)}}`);
const anything = fc.oneof(
  { weight: 4, arbitrary: object },
  fc.json(),
  fc.string({ unit: "binary" }),
  fc.array(object, { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
);

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
}

describe("whatever a peer sends", () => {
  test("a command is read, or refused with a CommandError and nothing else", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const thrown = thrownBy(() => parseCommand(text, LIMITS));
        if (thrown !== null) expect(thrown).toBeInstanceOf(CommandError);
      }),
      RUNS,
    );
  });

  test.each([
    ["bulk publish", (text: string) => parseBulk(text, LIMITS)],
    ["server frame", parseServerFrame],
    ["poll body", parsePollBody],
    ["problem", parseProblem],
  ] as const)("a %s is read, or refused with a GatewayError and nothing else", (_name, parse) => {
    fc.assert(
      fc.property(anything, (text) => {
        const thrown = thrownBy(() => parse(text));
        if (thrown !== null) expect(thrown).toBeInstanceOf(GatewayError);
      }),
      RUNS,
    );
  });

  test("a binary publish is read, or refused with a CommandError and nothing else", () => {
    const framed = object.map((header) => {
      const bytes = new TextEncoder().encode(header);
      return Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes, 1, 2, 3]);
    });
    fc.assert(
      fc.property(fc.oneof(framed, fc.uint8Array({ maxLength: 12 })), (bytes) => {
        const thrown = thrownBy(() => parseBinaryPublish(bytes, LIMITS));
        if (thrown !== null) expect(thrown).toBeInstanceOf(CommandError);
      }),
      RUNS,
    );
  });

  test("a refusal names the command whenever its id can be read", () => {
    const id = fc.oneof(fc.maxSafeNat(), fc.string({ maxLength: 16 }));
    fc.assert(
      fc.property(id, word, fieldName, value, (commandId, type, field, wrong) => {
        fc.pre(field !== "id" && field !== "__proto__");
        const text = JSON.stringify({ id: commandId, type, [field]: wrong });
        const thrown = thrownBy(() => parseCommand(text, LIMITS));
        if (thrown instanceof CommandError) expect(thrown.commandId).toBe(commandId);
      }),
      RUNS,
    );
  });
});

const mqttText = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !/\0/.test(text));
const topic = mqttText.filter((text) => text !== "" && !/[+#]/.test(text));
const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    contentType: mqttText,
    userProperties: fc.array(fc.tuple(mqttText, mqttText), { maxLength: 3 }),
    responseTopic: topic,
    correlationData: fc.uint8Array({ maxLength: 9 }),
    expiry: fc.integer({ min: 0, max: 4_294_967_295 }),
  },
  { requiredKeys: [] },
);
const request: fc.Arbitrary<PublishRequest> = fc.record(
  {
    id: fc.oneof(fc.maxSafeNat(), fc.string({ maxLength: 16 })),
    topic,
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: "grapheme" }).map((text) => new TextEncoder().encode(text)),
    ),
    retain: fc.boolean(),
    properties,
    idempotencyKey: fc.string({ unit: fc.constantFrom(..."aZ09!~"), minLength: 1 }),
  },
  { requiredKeys: ["topic", "payload"] },
);

describe("a publish", () => {
  test("means the same as JSON, in bulk and as a binary frame", () => {
    fc.assert(
      fc.property(request, (sent) => {
        const hasProperties = Object.keys(sent.properties ?? {}).length > 0;
        const expected = {
          type: "publish",
          id: sent.id ?? null,
          topic: sent.topic,
          payload: sent.payload,
          retain: sent.retain ?? false,
          properties: hasProperties ? sent.properties : null,
          idempotencyKey: sent.idempotencyKey ?? null,
        };
        expect(parseCommand(encodePublish(sent), LIMITS)).toEqual(expected);
        expect(parseBulk(`[${encodePublish(sent)}]`, LIMITS)).toEqual({
          is: "complete",
          commands: [expected],
        });
        expect(parseBinaryPublish(encodeBinaryPublish(sent), LIMITS)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});

const cursor = fc.integer({ min: 0 }).map((offset) => formatCursor("k3v9x2m1q8", offset));

describe("server frames", () => {
  test("are read by the client as the gateway wrote them", () => {
    const id = fc.oneof(fc.maxSafeNat(), fc.string({ maxLength: 16 }));
    const frame = fc.oneof(
      fc.record({ type: fc.constant("live" as const), id, cursor }),
      fc.record({ type: fc.constant("position" as const), cursor }),
      fc.record({
        type: fc.constant("subscribed" as const),
        id,
        filter: fc.string(),
        cursor,
        delivery: fc.constantFrom("at-most-once" as const, "at-least-once" as const),
        recovered: fc.boolean(),
      }),
      fc.record({
        type: fc.constant("published" as const),
        id,
        cursor,
        offset: fc.maxSafeNat(),
      }),
      fc.record({
        type: fc.constant("gap" as const),
        filter: fc.string(),
        from: cursor,
        earliest: cursor,
        reason: fc.constantFrom("epoch" as const, "retention" as const, "store" as const),
      }),
      fc.record(
        {
          type: fc.constant("error" as const),
          id,
          code: fc.constantFrom("gap" as const, "draining" as const),
          message: fc.string(),
          retryable: fc.boolean(),
        },
        { requiredKeys: ["type", "code", "message", "retryable"] },
      ),
    );
    fc.assert(
      fc.property(frame, (sent) => {
        expect(parseServerFrame(encodeFrame(sent))).toEqual(sent);
      }),
      { numRuns: 1_000 },
    );
  });
});
