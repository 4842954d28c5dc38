import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message, MessageProperties } from "../../src/bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../../src/bus/topic.ts";
import { decodeBase64, encodeBase64 } from "../../src/wire/base64.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { encodeJsonMessage, parseJsonMessage } from "../../src/wire/json-message.ts";
import { writeJsonText, writeJsonUtf8 } from "../../src/wire/json-string.ts";
import { writeBase36, writeInteger, writeMillis } from "../../src/wire/number-text.ts";
import { encodeUtf8, hasLoneSurrogate, isUtf8, utf8Length } from "../../src/wire/utf8.ts";

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a foreign decoder makes of the bytes; `null` when it finds them malformed. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return fatal.decode(bytes);
  } catch {
    return null;
  }
}

function written(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(1);
  write(out);
  return fatal.decode(out.view());
}

/** Bytes at the edges of the ranges of RFC 3629 §4, where a mistake would be. */
const edgeByte = fc.constantFrom(
  ...[0x00, 0x1f, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2],
  ...[0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
);
const edgeBytes = fc.array(edgeByte, { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes));
const text = fc.string({ unit: "binary", maxLength: 60 });
const utf8Bytes = text.map((value) => new TextEncoder().encode(value));
const bytes = fc.oneof(edgeBytes, utf8Bytes, fc.uint8Array({ maxLength: 100 }));
const RUNS = { numRuns: 2_000 };

describe("UTF-8", () => {
  test("is judged as a foreign fatal decoder judges it [RFC 3629 §4]", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(isUtf8(value)).toBe(decoded(value) !== null);
      }),
      RUNS,
    );
  });

  test("is judged right for every sequence of two bytes and every edge sequence of four", () => {
    for (let first = 0x80; first < 0x100; first += 1) {
      for (let second = 0; second < 0x100; second += 1) {
        for (const tail of [[], [0x80], [0x80, 0x80], [0xbf, 0xbf], [0x80, 0x7f], [0xc0]]) {
          const value = Uint8Array.from([first, second, ...tail]);
          if (isUtf8(value) !== (decoded(value) !== null)) {
            expect.fail(`${value} is judged ${isUtf8(value)}`);
          }
        }
      }
    }
  });

  test("of text: length and lone surrogates agree with Buffer", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.integer({ min: 0xd700, max: 0xe0ff }).map((code) => String.fromCharCode(code)),
        }),
        (value) => {
          const isWellFormed = Buffer.from(value, "utf8").toString("utf8") === value;
          expect(hasLoneSurrogate(value)).toBe(!isWellFormed);
          expect(utf8Length(value)).toBe(Buffer.byteLength(value));
          expect(encodeUtf8(value) === null).toBe(!isWellFormed);
          expect(written((out) => out.utf8(value))).toBe(Buffer.from(value).toString());
        },
      ),
      RUNS,
    );
  });
});

describe("JSON strings", () => {
  test("from payload bytes are what JSON.parse reads back, or nothing is written", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const out = new ByteWriter(1);
        out.ascii("kept");
        const isText = writeJsonUtf8(out, value);
        expect(isText).toBe(decoded(value) !== null);
        const result = fatal.decode(out.view(4));
        if (isText) expect(JSON.parse(result)).toBe(decoded(value));
        else expect(result).toBe("");
      }),
      RUNS,
    );
  });

  test("from payloads of several steps are read back, whatever straddles a step", () => {
    for (const [shift, piece] of ["", "a", "ab", "abc"].flatMap((lead) =>
      ["\u{1f600}", "€", "é", '"'].map((p) => [lead, p] as const),
    )) {
      const value = new TextEncoder().encode(`"${shift}${piece.repeat(20_000)}`);
      const out = new ByteWriter(1);
      expect(writeJsonUtf8(out, value)).toBe(true);
      expect(JSON.parse(fatal.decode(out.view()))).toBe(fatal.decode(value));
      expect(writeJsonUtf8(out, Uint8Array.from([...value, 0xff]))).toBe(false);
    }
  });

  test("from text equal JSON.stringify in meaning, lone surrogates included", () => {
    const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: anyUnit })), (value) => {
        const result = written((out) => writeJsonText(out, value));
        expect(JSON.parse(result)).toBe(value);
      }),
      RUNS,
    );
  });
});

describe("base64", () => {
  test("is what Buffer writes, and reads back [RFC 4648 §4]", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        const encoded = encodeBase64(value);
        expect(encoded).toBe(Buffer.from(value).toString("base64"));
        expect(decodeBase64(encoded)).toEqual(value);
      }),
      RUNS,
    );
  });

  test("has one text for one value: anything else is refused [RFC 4648 §3.5]", () => {
    for (const text of ["AB==", "AA==AAAA", "AAB=", "AAA", "A===", "====", "-_-_", "AA ="]) {
      expect([text, decodeBase64(text)]).toEqual([text, null]);
    }
    const nearly = fc.string({
      unit: fc.constantFrom(..."ABYZabyz0189+/=-_ \n\u0141é"),
      maxLength: 9,
    });
    fc.assert(
      fc.property(nearly, (value) => {
        const bytesRead = decodeBase64(value);
        const isCanonical = Buffer.from(value, "base64").toString("base64") === value;
        expect(bytesRead !== null).toBe(isCanonical);
      }),
      RUNS,
    );
  });
});

describe("numbers", () => {
  test("integers are written as JavaScript writes them, in base 10 and 36", () => {
    const integer = fc.oneof(
      fc.maxSafeNat(),
      fc.integer({ min: 0, max: 53 }).chain((bit) => {
        const power = Math.min(2 ** bit, Number.MAX_SAFE_INTEGER);
        return fc.constantFrom(power, power - 1);
      }),
      fc.integer({ min: 0, max: 15 }).chain((n) => fc.constantFrom(10 ** n, 10 ** n - 1)),
      fc.integer({ min: 0, max: 10 }).chain((n) => fc.constantFrom(36 ** n, 36 ** n - 1)),
    );
    fc.assert(
      fc.property(integer, (value) => {
        expect(written((out) => writeInteger(out, value))).toBe(String(value));
        expect(written((out) => writeBase36(out, value))).toBe(value.toString(36));
      }),
      RUNS,
    );
  });

  test("times keep microseconds in at most three decimals", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 4e12, noNaN: true }), (value) => {
        const result = written((out) => writeMillis(out, value));
        expect(result).toMatch(/^\d+(\.\d{0,2}[1-9])?$/);
        expect(Math.abs(Number(result) - value)).toBeLessThanOrEqual(0.000_6);
      }),
      RUNS,
    );
  });
});

const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((value) => !/[\0+#]/.test(value) && !hasLoneSurrogate(value));
const mqttText = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .filter((value) => !/\0/.test(value) && !hasLoneSurrogate(value));
const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    contentType: mqttText,
    userProperties: fc.array(fc.tuple(mqttText, mqttText), { maxLength: 3 }),
    responseTopic: name,
    correlationData: fc.uint8Array({ maxLength: 9 }),
    expiry: fc.integer({ min: 0, max: 4_294_967_295 }),
  },
  { requiredKeys: [] },
);

describe("JSON messages", () => {
  test("arrive as they were sent: topic, every byte, properties, position", () => {
    const message: fc.Arbitrary<Message> = fc.record({
      topic: name.map((value) => parseTopic(value, PROTOCOL_TOPIC_LIMITS)),
      payload: bytes,
      qos: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
      properties,
      origin: fc.record({
        transport: fc.constantFrom("mqtt", "mqtt-ws", "websocket", "http", "tcp"),
        sessionId: fc.constant("s"),
      }),
      receivedAt: fc.constant(0),
      offset: fc.integer({ min: 1 }),
      acceptedAt: fc.integer({ min: 0, max: 2 ** 40 }).map((eighths) => eighths / 8),
    });
    fc.assert(
      fc.property(message, fc.boolean(), (sent, isRetained) => {
        const out = new ByteWriter(1);
        encodeJsonMessage(sent, out, isRetained ? null : "k3v9x2m1q8", isRetained);
        const json: unknown = JSON.parse(fatal.decode(out.view()));
        const received = parseJsonMessage(json);
        expect(received).toEqual({
          topic: sent.topic,
          payload: sent.payload,
          qos: sent.qos,
          isRetained,
          properties: sent.properties,
          cursor: isRetained ? null : `k3v9x2m1q8-${sent.offset.toString(36)}`,
          ingress: sent.origin.transport,
          acceptedAt: sent.acceptedAt,
        });
        const isText = decoded(sent.payload) !== null;
        expect(json).toHaveProperty("encoding", isText ? "utf8" : "base64");
      }),
      RUNS,
    );
  });
});
