import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCursor } from "../../src/bus/cursor.ts";
import { type Message, TRANSPORTS } from "../../src/bus/message.ts";
import type { Topic } from "../../src/bus/topic.ts";
import { encodeBinaryMessage } from "../../src/wire/binary-frame.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { encodeFrame, encodeMessageFrame, encodeSubscriptionFrame } from "../../src/wire/frame.ts";
import { parseServerFrame } from "../../src/wire/frame-parser.ts";
import { encodeJsonMessage } from "../../src/wire/json-message.ts";
import { encodePollBody } from "../../src/wire/poll.ts";
import { asyncApi, at, openApi } from "../support/documents/documents.ts";
import { checkBinaryHeader, checkFrame } from "../support/documents/frame-check.ts";
import { closed, DocumentSchemas } from "../support/documents/strict-schema.ts";
import { parsesWith } from "../support/documents/verdicts.ts";

const EPOCH = "k3v9x2m1q8";
const RUNS = { numRuns: 2_000 };

const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => !/\0/.test(value));
const topic = text
  .filter((value) => value !== "" && !/[+#]/.test(value))
  .map((value) => value as Topic);
const bytes = fc.uint8Array({ maxLength: 9 });
const payload = fc.oneof(
  bytes,
  text.map((value) => new TextEncoder().encode(value)),
);
const cursor = fc.maxSafeNat().map((offset) => formatCursor(EPOCH, offset));
const id = fc.oneof(fc.maxSafeNat(), fc.string({ unit: "grapheme-ascii", maxLength: 64 }));

const message: fc.Arbitrary<Message> = fc.record({
  topic,
  payload,
  qos: fc.constantFrom(0, 1, 2),
  retain: fc.boolean(),
  properties: fc.record(
    {
      contentType: text,
      userProperties: fc.array(fc.tuple(text, text), { maxLength: 3 }),
      responseTopic: topic,
      correlationData: bytes,
      expiry: fc.integer({ min: 0, max: 4_294_967_295 }),
    },
    { requiredKeys: [] },
  ),
  origin: fc.record({ transport: fc.constantFrom(...TRANSPORTS), sessionId: text }),
  offset: fc.maxSafeNat(),
  receivedAt: fc.constant(0),
  acceptedAt: fc.double({ min: 0, max: 2e12, noNaN: true }),
});

function encoded(write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter();
  write(out);
  return Buffer.from(out.copy());
}

const json = (write: (out: ByteWriter) => void) => JSON.parse(encoded(write).toString("utf8"));

test("every message, live, retained and recovered, is as documented in every form", () => {
  const document = closed(openApi());
  const schemas = new DocumentSchemas(at(document), new Ajv2020({ strict: false }));
  const named = (name: string) => at(document, "components", "schemas", name);
  fc.assert(
    fc.property(message, id, fc.boolean(), (sent, subscription, isUpToDate) => {
      schemas.check(
        "message",
        named("Message"),
        json((out) => encodeJsonMessage(sent, out, EPOCH)),
      );
      const retained = json((out) => encodeJsonMessage(sent, out, null, true));
      schemas.check("retained message", named("Message"), retained);
      const page = json((out) => {
        const one = encoded((inner) => encodeJsonMessage(sent, inner, EPOCH));
        encodePollBody(out, EPOCH, [one, one], formatCursor(EPOCH, sent.offset), isUpToDate);
      });
      schemas.check("page", named("PollPage"), page);
      checkFrame(json((out) => encodeMessageFrame(sent, out, EPOCH)));
      for (const as of ["retained", "recovered"] as const) {
        const delivery = { subscription, as };
        checkFrame(json((out) => encodeSubscriptionFrame(sent, out, EPOCH, delivery)));
        const frame = encoded((out) => encodeBinaryMessage(sent, out, EPOCH, delivery));
        checkBinaryHeader(JSON.parse(frame.toString("utf8", 2, 2 + frame.readUInt16BE(0))));
      }
    }),
    RUNS,
  );
});

const FRAMES = at(asyncApi(), "components", "messages");
const value = fc.oneof(
  fc.constantFrom("a/b", "a/#", "utf8", "base64", "epoch", "mqtt", "k3v9x2m1q8-1", true, null),
  fc.constantFrom(0, 1, -1, 1.5, 2 ** 53, "at-most-once", "drop_oldest", "aGk=", "gap", "\ud800"),
  fc.jsonValue({ maxDepth: 1 }),
);

test("what the schema of a frame takes, the client reads", () => {
  const schemas = new DocumentSchemas(asyncApi(), new Ajv({ strict: false }));
  const names = Object.keys(FRAMES).filter((name) => {
    const example = at(FRAMES, name).examples;
    return Array.isArray(example) && parsesFrame(at(example[0], "payload"));
  });
  expect(names.length).toBeGreaterThan(11);
  const changed = fc.constantFrom(...names).chain((name) => {
    const examples = at(FRAMES, name).examples as readonly unknown[];
    const frame = at(examples[0], "payload");
    const fields = [...Object.keys(frame), "id", "subscription", "retained", "expiry", "unknown"];
    return fc
      .tuple(fc.constantFrom(...fields), value)
      .map(([field, changedTo]) => ({ name, frame: { ...frame, [field]: changedTo } }));
  });
  let taken = 0;
  fc.assert(
    fc.property(changed, ({ name, frame }) => {
      if (schemas.fault(at(FRAMES, name, "payload"), frame) !== null) return;
      taken += 1;
      expect(parsesFrame(frame), JSON.stringify(frame)).toBe(true);
    }),
    RUNS,
  );
  expect(taken).toBeGreaterThan(RUNS.numRuns / 10);
});

test("control frames with the largest and the oddest values are as documented", () => {
  fc.assert(
    fc.property(
      id,
      cursor,
      fc.maxSafeNat(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (...all) => {
        const [named, position, offset, sentAt] = all;
        const frames = [
          { type: "published", id: named, cursor: position, offset },
          { type: "live", id: named, cursor: position },
          { type: "position", cursor: position },
          { type: "pong", id: named, sentAt, now: 1_700_000_000_000.5 },
          {
            type: "dropped",
            filter: "#",
            count: offset,
            first: 1,
            last: offset,
            reason: "keep_latest",
          },
        ] as const;
        for (const frame of frames) checkFrame(JSON.parse(encodeFrame(frame)));
      },
    ),
  );
});

function parsesFrame(frame: unknown): boolean {
  return parsesWith(() => parseServerFrame(JSON.stringify(frame)));
}
