import fc from "fast-check";
import { expect, test } from "vitest";
import { PacketError } from "../../src/transport/mqtt/native/codec/packet-error.ts";
import { PacketScanner } from "../../src/transport/mqtt/native/codec/packet-scanner.ts";
import type { ProtocolVersion } from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { filterText } from "../support/arbitraries.ts";
import { type Decoded, outcomeOf } from "../support/mqtt-decode.ts";
import {
  foreignBytes,
  mqttTopic,
  packetId,
  propertiesIn,
  qos,
  toForeign,
} from "../support/mqtt-foreign.ts";

const version = fc.constantFrom<ProtocolVersion[]>(3, 4, 5);

/** A packet of any type a client sends, with the version it is of. */
const packet: fc.Arbitrary<{ readonly level: ProtocolVersion; readonly bytes: Buffer }> = fc
  .record({
    level: version,
    cmd: fc.constantFrom(
      ...["connect", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe"],
      ...["unsubscribe", "pingreq", "disconnect", "auth"],
    ),
    qos,
    messageId: packetId,
    topic: mqttTopic,
    filter: filterText,
    payload: fc.uint8Array({ maxLength: 40 }),
    connect: propertiesIn("connect", "client"),
    will: propertiesIn("will", "client"),
    publish: propertiesIn("publish", "client"),
    auth: propertiesIn("auth", "client"),
  })
  .map(({ level, cmd, qos, messageId, topic, filter, payload, ...places }) => {
    const bytes = Buffer.from(payload);
    const properties = toForeign(
      cmd === "connect" || cmd === "publish" || cmd === "auth" ? places[cmd] : {},
    );
    const fields = {
      ...{ cmd: level < 5 && cmd === "auth" ? "pingreq" : cmd, qos, messageId, topic, properties },
      ...{ payload: bytes, reasonCode: cmd === "auth" ? 0x18 : 0 },
      ...{ protocolId: level === 3 ? "MQIsdp" : "MQTT", protocolVersion: level, clientId: "c" },
      ...{ username: topic, password: bytes, keepalive: 60, clean: true },
      will: { topic, payload: bytes, qos, properties: toForeign(places.will) },
      subscriptions: [{ topic: filter, qos, nl: true, rh: 1 }],
      unsubscriptions: [filter],
    };
    return { level, bytes: foreignBytes(fields, level) };
  });

/** One thing that happens to a packet on its way: a byte changed, cut out or put in. */
const mutation = fc.record({
  at: fc.nat(400),
  how: fc.constantFrom("set", "flip", "cut", "insert"),
  value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
});

function mutate(bytes: Buffer, at: number, how: string, value: number): Buffer {
  // The first byte and the length stay what they are, or most packets would not be read at all.
  const index = 2 + (at % Math.max(1, bytes.length - 2));
  const changed = how === "set" ? value : (bytes[index] ?? 0) ^ (1 << (value & 7));
  if (how === "cut") return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + 1)]);
  const after = how === "insert" ? index : index + 1;
  return Buffer.concat([bytes.subarray(0, index), Buffer.of(changed), bytes.subarray(after)]);
}

/** Reads the packet where the given byte lies all around it. */
function readAmong(around: number, bytes: Buffer, level: ProtocolVersion): Decoded {
  const margin = Buffer.alloc(80, around);
  const among = Buffer.concat([margin, bytes, margin]);
  const start = margin.length;
  const end = start + bytes.length;
  let body = start + 1;
  while ((among[body] ?? 0) >= 0x80 && body < end - 1) body += 1;
  return outcomeOf(among, start, Math.min(body + 1, end), end, level);
}

test("whatever happens to a packet, it is read or refused, and nothing around it is looked at", () => {
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
  let refused = 0;
  let read = 0;
  fc.assert(
    fc.property(
      packet,
      mutations,
      version,
      fc.boolean(),
      ({ level, bytes }, all, other, isOther) => {
        let mutated = bytes;
        for (const { at, how, value } of all) mutated = mutate(mutated, at, how, value);
        const as = isOther ? other : level;
        const outcome = readAmong(0x00, mutated, as);
        expect(readAmong(0xff, mutated, as)).toEqual(outcome);
        expect(readAmong(0x41, mutated, as)).toEqual(outcome);
        if (outcome.refused === undefined) read += 1;
        else refused += 1;
      },
    ),
    { numRuns: 5_000 },
  );
  // Both happen often, or the test would show little.
  expect(refused).toBeGreaterThan(500);
  expect(read).toBeGreaterThan(500);
});

test("any bytes are read as a packet or refused", () => {
  const first = fc.constantFrom(
    ...[0x10, 0x30, 0x32, 0x3d, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xc0, 0xe0, 0xf0],
  );
  fc.assert(
    fc.property(first, fc.uint8Array({ maxLength: 60 }), version, (byte, rest, level) => {
      const bytes = Buffer.from([byte, rest.length, ...rest]);
      expect(readAmong(0xff, bytes, level)).toEqual(readAmong(0x00, bytes, level));
    }),
    { numRuns: 5_000 },
  );
});

/** The packets of a stream that comes in these chunks, and why it ended, if it did. */
function scan(chunks: readonly Buffer[], level: ProtocolVersion): Decoded[] {
  const scanner = new PacketScanner(300);
  const packets: Decoded[] = [];
  const sink = {
    packet: (bytes: Buffer, start: number, body: number, end: number) => {
      packets.push(outcomeOf(bytes, start, body, end, level));
      return true;
    },
  };
  try {
    for (const chunk of chunks) scanner.push(chunk, sink);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    packets.push({ ended: error.reason });
  }
  return packets;
}

/** The bytes in chunks that end at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

test("a stream is the same packets however it is cut, and stops at the same place", () => {
  const tail = fc.option(fc.uint8Array({ maxLength: 6 }), { nil: new Uint8Array() });
  const packets = fc.array(packet, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(packets, tail, fc.array(fc.nat(), { maxLength: 12 }), (sent, end, places) => {
      const level = sent[0]?.level ?? 4;
      const stream = Buffer.concat([...sent.map(({ bytes }) => bytes), end]);
      const whole = scan([stream], level);
      expect(scan(cut(stream, places), level)).toEqual(whole);
      const single = Array.from(stream, (byte) => Buffer.of(byte));
      expect(scan(single, level)).toEqual(whole);
    }),
    { numRuns: 500 },
  );
});
