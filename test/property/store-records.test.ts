import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Message,
  type MessageProperties,
  NO_PROPERTIES,
  TRANSPORTS,
} from "../../src/bus/message.ts";
import type { QueueEntry } from "../../src/bus/session-store.ts";
import { decodeKey, encodeKey, keyOf } from "../../src/store/lmdb/key-record.ts";
import { encodeRun, readRun } from "../../src/store/lmdb/queue-run-record.ts";
import { RecordError } from "../../src/store/lmdb/record-error.ts";
import { RecordWriter } from "../../src/store/lmdb/record-writer.ts";
import {
  decodeRetained,
  encodeRetained,
  retainedKey,
} from "../../src/store/lmdb/retained-record.ts";
import { decodeSchema, encodeSchema } from "../../src/store/lmdb/schema-record.ts";
import { SequenceSet } from "../../src/store/lmdb/sequence-set.ts";
import {
  readRunKey,
  readSessionKey,
  runKey,
  sessionKey,
} from "../../src/store/lmdb/session-keys.ts";
import {
  decodeIdentity,
  decodeIncoming,
  decodeProgress,
  encodeIdentity,
  encodeIncoming,
  encodeProgress,
} from "../../src/store/lmdb/session-records.ts";
import { MAX_KEY_BYTES } from "../../src/store/lmdb/tables.ts";
import { topic } from "../support/bus-kit.ts";

const writer = new RecordWriter();
const MAX_NUMBER = 2 ** 48 - 1;
const number = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat().map((each) => each % MAX_NUMBER),
);
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 60 });
const double = fc.double({ noNaN: true });

/** Rising numbers from 1, most of them neighbours. */
const rising = fc
  .array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 5_000_000 })), { maxLength: 60 })
  .map((steps) => {
    let at = 0;
    return steps.map((step) => {
      at += step;
      return at;
    });
  });

const run: fc.Arbitrary<QueueEntry[]> = fc
  .tuple(
    rising.filter((sequences) => sequences.length > 0),
    fc.array(
      fc.record({
        offset: number,
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        isRetained: fc.boolean(),
        subscriptionIds: fc.oneof(
          fc.constant([]),
          fc.constant([7]),
          fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 12 }),
        ),
      }),
      { minLength: 60, maxLength: 60 },
    ),
  )
  .map(([sequences, facts]) =>
    sequences.flatMap((sequence, i) => {
      const each = facts[i];
      return each === undefined ? [] : [{ sequence, ...each }];
    }),
  );

const progress = fc
  .record({
    through: number,
    done: rising,
    sentThrough: number,
    received: rising,
    extra: fc.nat(9),
  })
  .map(({ through, done, sentThrough, received, extra }) => {
    const set = new SequenceSet(through);
    for (const each of done) set.add(through + each * 2);
    const lastSequence = through + 2 * (done.at(-1) ?? 0) + extra;
    return { done: set, sentThrough, received: new Set(received), lastSequence };
  });

const properties: fc.Arbitrary<MessageProperties> = fc.oneof(
  fc.constant(NO_PROPERTIES),
  fc.record(
    {
      contentType: text,
      userProperties: fc.array(fc.tuple(text, text), { maxLength: 3 }),
      responseTopic: text,
      correlationData: bytes,
      payloadFormat: fc.constantFrom(0 as const, 1 as const),
      expiry: fc.nat(4_294_967_295),
    },
    { requiredKeys: [] },
  ),
);

const message: fc.Arbitrary<Message> = fc.record({
  topic: fc
    .string({ minLength: 1, maxLength: 20, unit: fc.constantFrom("a", "/", "é", "漢") })
    .map(topic),
  payload: bytes,
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  properties,
  origin: fc.record({ transport: fc.constantFrom(...TRANSPORTS), sessionId: text }),
  receivedAt: double,
  offset: number,
  acceptedAt: double,
});

const storedKey = fc.record({
  scope: text,
  key: text,
  digest: text,
  offset: number,
  startedAt: double,
});

function decodeRun(firstSequence: number, record: Buffer): QueueEntry[] {
  const entries: QueueEntry[] = [];
  readRun(firstSequence, record, (sequence, offset, qos, isRetained, subscriptionIds) => {
    entries.push({ sequence, offset, qos, isRetained, subscriptionIds });
  });
  return entries;
}

/** A record, and what reading it gives. */
interface Sample {
  readonly record: Buffer;
  readonly decode: (record: Buffer) => unknown;
}

const samples: Record<string, fc.Arbitrary<Sample>> = {
  "entries of a queue": run.map((entries) => ({
    record: encodeRun(writer, entries),
    decode: (record) => decodeRun(entries[0]?.sequence ?? 1, record),
  })),
  identity: fc.record({ name: text, state: bytes }).map((identity) => ({
    record: encodeIdentity(writer, identity),
    decode: decodeIdentity,
  })),
  progress: progress.map((each) => ({
    record: encodeProgress(writer, each),
    decode: decodeProgress,
  })),
  "packet ids": fc.uniqueArray(fc.integer({ min: 1, max: 65_535 })).map((ids) => ({
    record: encodeIncoming(writer, new Set(ids)),
    decode: decodeIncoming,
  })),
  "idempotency key": storedKey.map((each) => ({
    record: encodeKey(writer, each),
    decode: decodeKey,
  })),
  "retained message": message.map((each) => ({
    record: encodeRetained(writer, each),
    decode: decodeRetained,
  })),
};

describe("records of the disk store", () => {
  test("entries of a queue come back as they were", () => {
    fc.assert(
      fc.property(run, (entries) => {
        const record = encodeRun(writer, entries);
        expect(decodeRun(entries[0]?.sequence ?? 1, record)).toEqual(entries);
      }),
    );
  });

  test("live entries of one filter take two bytes each", () => {
    const entries = Array.from({ length: 100 }, (_, i) => ({
      sequence: i + 1,
      offset: 1_000_000 + 3 * i,
      qos: 1 as const,
      isRetained: false,
      subscriptionIds: [5],
    }));
    expect(encodeRun(writer, entries).length).toBeLessThan(2 * entries.length + 10);
  });

  test("identity, progress and packet ids of a session come back as they were", () => {
    fc.assert(
      fc.property(text, bytes, (name, state) => {
        expect(decodeIdentity(encodeIdentity(writer, { name, state }))).toEqual({ name, state });
      }),
    );
    fc.assert(
      fc.property(progress, (each) => {
        const decoded = decodeProgress(encodeProgress(writer, each));
        expect([...decoded.done.runs()]).toEqual([...each.done.runs()]);
        expect(decoded.done.through).toBe(each.done.through);
        expect({ ...decoded, done: null }).toEqual({ ...each, done: null });
      }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 })), (ids) => {
        const sorted = [...ids].sort((a, b) => a - b);
        expect(decodeIncoming(encodeIncoming(writer, new Set(ids)))).toEqual(sorted);
      }),
    );
  });

  test("idempotency keys and retained messages come back as they were", () => {
    fc.assert(
      fc.property(storedKey, (each) => {
        expect(decodeKey(encodeKey(writer, each))).toEqual(each);
      }),
    );
    fc.assert(
      fc.property(message, (each) => {
        const decoded = decodeRetained(encodeRetained(writer, each));
        expect(decoded).toEqual(each);
        expect(decoded.payload.buffer.byteLength).toBe(each.payload.length);
      }),
    );
  });

  test("keys come back as they were, in the order of their numbers", () => {
    fc.assert(
      fc.property(number, number, number, number, (a, b, c, d) => {
        expect(readRunKey(runKey(a, b))).toEqual({ session: a, firstSequence: b });
        expect(readSessionKey(sessionKey(a, 2))).toEqual({ session: a, tag: 2 });
        const order = a === c ? Math.sign(b - d) : Math.sign(a - c);
        expect(Buffer.compare(runKey(a, b), runKey(c, d))).toBe(order);
      }),
    );
  });

  test("no two scopes and keys share a key", () => {
    expect(keyOf("a", "bc")).not.toEqual(keyOf("ab", "c"));
    expect(keyOf("1:a", "b")).not.toEqual(keyOf("1", ":ab"));
  });

  test("a topic of any length has a key of its own within the limit of lmdb", () => {
    const long = "x".repeat(65_535);
    const names = ["a", long.slice(0, 1_976), long.slice(0, 1_977), long.slice(0, 1_978), long];
    const keys = [...names, `${long.slice(1)}y`].map((name) => retainedKey(topic(name)));
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThanOrEqual(MAX_KEY_BYTES);
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(keys.length);
  });

  test("the schema's version comes back, also when a later one adds to its record", () => {
    fc.assert(
      fc.property(fc.nat(4_294_967_295), bytes, (version, more) => {
        expect(decodeSchema(Buffer.concat([encodeSchema(version), more]))).toBe(version);
      }),
    );
    expect(decodeSchema(Buffer.from("schema of another"))).toBeNull();
  });

  test.each(Object.entries(samples))("a damaged record fails as such: %s", (_name, sample) => {
    const damage = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(
        sample,
        fc.array(damage, { maxLength: 4 }),
        fc.nat(),
        ({ record, decode }, hits, cut) => {
          const damaged = Buffer.from(record.subarray(0, cut % (record.length + 1)));
          for (const [at, change] of hits) {
            if (damaged.length > 0)
              damaged[at % damaged.length] = (damaged[at % damaged.length] ?? 0) ^ change;
          }
          expectReadOrRefused(() => decode(damaged));
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(sample, bytes, ({ decode }, noise) =>
        expectReadOrRefused(() => decode(Buffer.from(noise))),
      ),
      { numRuns: 500 },
    );
  });

  test("a record that is cut off or too long is refused", () => {
    const record = encodeKey(writer, {
      scope: "s",
      key: "k",
      digest: "d",
      offset: 300,
      startedAt: 1,
    });
    for (let end = 0; end < record.length; end += 1) {
      expect(() => decodeKey(record.subarray(0, end))).toThrow(RecordError);
    }
    expect(() => decodeKey(Buffer.concat([record, Buffer.of(0)]))).toThrow(RecordError);
  });
});

/** Damage may also give another valid record: what it must not do is crash or go on for ever. */
function expectReadOrRefused(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(RecordError);
  }
}

describe("SequenceSet", () => {
  test("is a set of numbers, kept as runs", () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(4));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const set = new SequenceSet();
        const model = new Set<number>();
        for (const [first, more] of steps) {
          set.addRun(first, first + more);
          for (let each = first; each <= first + more; each += 1) model.add(each);
          let through = 0;
          while (model.has(through + 1)) through += 1;
          expect(set.through).toBe(through);
          for (let each = 1; each < 70; each += 1) expect(set.has(each)).toBe(model.has(each));
          const found = [...set.runs()];
          expect(set.runCount).toBe(found.length);
          let before = through;
          for (const [low, high] of found) {
            expect(low).toBeGreaterThan(before + 1);
            expect(high).toBeGreaterThanOrEqual(low);
            before = high;
          }
        }
      }),
    );
  });
});
