import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFilter, parseTopic } from "../../src/bus/topic.ts";
import { parseConfig } from "../../src/config/load.ts";
import { commandSchemas } from "../../src/documents/command-schemas.ts";
import { fieldSchemas } from "../../src/documents/field-schemas.ts";
import { parseBinaryPublish } from "../../src/wire/binary-frame.ts";
import { parseBulk } from "../../src/wire/bulk.ts";
import { COMMAND_FIELDS, parseCommand } from "../../src/wire/command.ts";
import {
  isIdempotencyKey,
  PUBLISH_FIELDS,
  PUBLISH_HEADER_FIELDS,
} from "../../src/wire/publish-command.ts";
import { at } from "../support/documents/documents.ts";
import { parsesWith } from "../support/documents/verdicts.ts";

const RUNS = { numRuns: 4_000 };

/** Narrow limits, which texts of a few characters reach. */
const NARROW = parseConfig({
  limits: { maxPayloadBytes: 6, maxTopicBytes: 9, maxTopicLevels: 3 },
});
const WIDE = parseConfig({});

/** The same schemas read as either draft that the documents build on. */
const DRAFTS = [
  ["draft 7", Ajv],
  ["draft 2020-12", Ajv2020],
] as const;

function schemas(config: typeof WIDE, Draft: (typeof DRAFTS)[number][1]) {
  const named = { ...fieldSchemas(config), ...commandSchemas(config) };
  const ajv = new Draft({ strict: false });
  return (...names: readonly string[]) =>
    ajv.compile({
      anyOf: names.map((name) => ({ $ref: `#/components/schemas/${name}` })),
      components: { schemas: named },
    });
}

const COMMANDS = ["Authenticate", "Subscribe", "Unsubscribe", "Publish", "Ping"].map(
  (name) => `${name}Command`,
);

/** Where characters are bytes, limits in either are the same. */
const ascii = fc.string({ unit: fc.constantFrom(..."ab/+#$\0 ~"), maxLength: 12 });
const cursor = fc.constantFrom("now", "earliest", "k3v9x2m1-1", "k3v9x2m1-", "K3v9x2m1-1", "a-1");
const base64 = fc.constantFrom(
  "",
  "aGk=",
  "aGk",
  "aGl=",
  "aA==",
  "aB==",
  "AAAAAAAA",
  "AAAAAAAAAAAA",
);
const number = fc.constantFrom(0, 1, -1, 1.5, 2 ** 53 - 1, 2 ** 53, 4_294_967_295, 4_294_967_296);
const anything = fc.oneof(ascii, cursor, base64, number, fc.jsonValue({ maxDepth: 2 }));
const pairs = fc.array(fc.array(fc.oneof(ascii, number), { minLength: 1, maxLength: 3 }), {
  maxLength: 2,
});

/** For each field values that are right, and values that are nearly so. */
const FIELDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  id: fc.oneof(number, ascii, fc.constantFrom("x".repeat(64), "x".repeat(65))),
  topic: ascii,
  filter: ascii,
  payload: fc.oneof(ascii, base64),
  encoding: fc.constantFrom("utf8", "base64", "hex"),
  retain: fc.boolean(),
  retained: fc.boolean(),
  cursor,
  overflow: fc.constantFrom("disconnect", "drop-oldest", "keep-latest", "none"),
  token: ascii,
  user: ascii,
  password: ascii,
  sentAt: number,
  contentType: ascii,
  userProperties: pairs,
  responseTopic: ascii,
  correlationData: base64,
  expiry: number,
  idempotencyKey: fc.oneof(ascii, fc.constantFrom("k".repeat(255), "k".repeat(256))),
};

const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  authenticate: ["user", "password"],
  subscribe: ["filter"],
  unsubscribe: ["filter"],
  publish: ["topic", "payload"],
  ping: [],
};
const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  subscribe: ["cursor", "retained", "overflow"],
  publish: [
    ...["encoding", "retain", "contentType", "userProperties", "responseTopic"],
    ...["correlationData", "expiry", "idempotencyKey"],
  ],
  ping: ["sentAt"],
};

function field(name: string): fc.Arbitrary<[string, unknown]> {
  const value = FIELDS[name] ?? anything;
  return fc.tuple(fc.constant(name), value);
}

/** The fields of a command of this type, now and then with one changed, taken away or added. */
function fieldsOf(type: string, known: readonly string[]): fc.Arbitrary<[string, unknown][]> {
  const optional = OPTIONAL[type] ?? [];
  const some = fc.subarray([...optional], { maxLength: Math.min(2, optional.length) });
  return some.chain((names) =>
    fc.tuple(...[...known, ...(BY_TYPE[type] ?? []), ...names].map(field)).chain((fields) => {
      const other = fc.constantFrom(...Object.keys(FIELDS), "type", "retian", "__proto__");
      const changed = fc.tuple(other, anything).map((one) => [...fields, one]);
      const less = fc.nat(Math.max(0, fields.length - 1)).map((at) => fields.toSpliced(at, 1));
      return fc.oneof({ weight: 4, arbitrary: fc.constant(fields) }, changed, less);
    }),
  );
}

function asText(fields: readonly (readonly [string, unknown])[]): string {
  return `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`;
}

const commandText = fc
  .constantFrom(...Object.keys(BY_TYPE), "message")
  .chain((type) =>
    fieldsOf(type, type === "publish" ? [] : ["id"]).map((fields) =>
      asText([["type", type], ...fields]),
    ),
  );
const publishText = fieldsOf("publish", []).map(asText);

/** Both verdicts on every text; a test whose texts are all of one kind would show nothing. */
function expectSameVerdict(
  texts: fc.Arbitrary<string>,
  parse: (text: string) => unknown,
  accepts: (value: unknown) => boolean,
): void {
  const verdicts = { read: 0, refused: 0 };
  fc.assert(
    fc.property(texts, (text) => {
      const isRead = parsesWith(() => parse(text));
      verdicts[isRead ? "read" : "refused"] += 1;
      expect(accepts(JSON.parse(text)), text).toBe(isRead);
    }),
    RUNS,
  );
  // About one text in twenty is read; half of that is seven standard deviations away.
  expect(Math.min(verdicts.read, verdicts.refused)).toBeGreaterThan(RUNS.numRuns / 40);
}

test("the schemas name the fields that the parser knows, and no others", () => {
  const told = commandSchemas(WIDE);
  const fieldNames = (schema: unknown) => Object.keys(at(schema, "properties"));
  const expected: Readonly<Record<string, ReadonlySet<string>>> = {
    SubscribeCommand: COMMAND_FIELDS.subscribe,
    UnsubscribeCommand: COMMAND_FIELDS.unsubscribe,
    PingCommand: COMMAND_FIELDS.ping,
    PublishCommand: PUBLISH_FIELDS,
    BulkItem: PUBLISH_FIELDS,
    BinaryPublishHeader: PUBLISH_HEADER_FIELDS,
  };
  for (const [name, known] of Object.entries(expected)) {
    expect(fieldNames(told[name]).sort(), name).toEqual([...known].sort());
  }
  const ways = told.AuthenticateCommand?.oneOf as readonly unknown[];
  expect(new Set(ways.flatMap(fieldNames))).toEqual(COMMAND_FIELDS.authenticate);
});

describe.each(DRAFTS)("as %s", (_name, Draft) => {
  test("the schemas of commands take what the parser takes, and nothing else", () => {
    const accepts = schemas(NARROW, Draft)(...COMMANDS);
    expectSameVerdict(commandText, (text) => parseCommand(text, NARROW.limits), accepts);
  });

  test("the schema of a bulk's items takes what the parser takes, and nothing else", () => {
    const accepts = schemas(NARROW, Draft)("BulkItem");
    const limits = { ...NARROW.limits, maxMessages: 1 };
    const parse = (text: string) => {
      const bulk = parseBulk(`[${text}]`, limits);
      if (bulk.is === "refused") throw bulk.errors;
    };
    expectSameVerdict(publishText, parse, accepts);
  });

  test("the schema of a binary publish takes what the parser takes, and nothing else", () => {
    const accepts = schemas(NARROW, Draft)("BinaryPublishHeader");
    const header = fieldsOf("publish", []).map((fields) =>
      asText([["type", "publish"], ...fields.filter(([name]) => name !== "payload")]),
    );
    const parse = (text: string) => {
      const bytes = Buffer.from(text);
      const frame = Uint8Array.of(bytes.length >> 8, bytes.length & 0xff, ...bytes);
      parseBinaryPublish(frame, NARROW.limits);
    };
    expectSameVerdict(header, parse, accepts);
  });

  test("topics and filters of any characters, lone surrogates included", () => {
    const compile = schemas(WIDE, Draft);
    const topic = compile("Topic");
    const filter = compile("Filter");
    const unit = fc.constantFrom("a", "/", "/", "+", "#", "\0", "é", "𝄞", "\ud834", "\udd1e", "\n");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), (text) => {
        expect(topic(text), text).toBe(parsesWith(() => parseTopic(text, WIDE.limits)));
        expect(filter(text), text).toBe(parsesWith(() => parseFilter(text, WIDE.limits)));
      }),
      RUNS,
    );
  });

  test("a text longer than its limit in bytes is never one its schema refuses in vain", () => {
    const compile = schemas(NARROW, Draft);
    const topic = compile("Topic");
    const unit = fc.constantFrom("a", "/", "é", "€", "𝄞");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
        if (parsesWith(() => parseTopic(text, NARROW.limits))) expect(topic(text)).toBe(true);
      }),
      RUNS,
    );
  });

  test("idempotency keys", () => {
    const accepts = schemas(WIDE, Draft)("IdempotencyKey");
    const unit = fc.constantFrom("a", "~", "!", " ", "\x7f", "é");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 4 }), (text) => {
        expect(accepts(text), text).toBe(isIdempotencyKey(text));
      }),
    );
  });
});
