import fc from "fast-check";
import { expect, test } from "vitest";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../../src/bus/topic.ts";
import { encodeAcknowledgement } from "../../src/transport/mqtt/native/codec/acknowledgement.ts";
import { encodeAuth } from "../../src/transport/mqtt/native/codec/auth.ts";
import { encodeConnack } from "../../src/transport/mqtt/native/codec/connack.ts";
import { encodeDisconnect } from "../../src/transport/mqtt/native/codec/disconnect.ts";
import type {
  AcknowledgementName,
  PacketName,
  ProtocolVersion,
} from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { type Peer, peerOf } from "../../src/transport/mqtt/native/codec/peer.ts";
import { PINGRESP } from "../../src/transport/mqtt/native/codec/ping.ts";
import { encodePublish } from "../../src/transport/mqtt/native/codec/publish-writing.ts";
import {
  connackReturnCode,
  isServerReason,
  REASON,
  type ReasonCode,
} from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import { encodeSuback } from "../../src/transport/mqtt/native/codec/subscribe.ts";
import { encodeUnsuback } from "../../src/transport/mqtt/native/codec/unsubscribe.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import {
  foreignPackets,
  mqttTopic,
  packetId,
  propertiesIn,
  qos,
  toForeign,
} from "../support/mqtt-foreign.ts";

const RUNS = { numRuns: 1_000 };

const version = fc.constantFrom<ProtocolVersion[]>(3, 4, 5);

/** A peer that may or may not want explanations, and may take small packets only. */
const peer: fc.Arbitrary<Peer> = fc.record({
  version,
  maxPacketBytes: fc.oneof(fc.constant(268_435_460), fc.integer({ min: 1, max: 120 })),
  wantsProblems: fc.boolean(),
});

function reasonsOf(name: PacketName): fc.Arbitrary<ReasonCode> {
  return fc.constantFrom(...Object.values(REASON).filter((code) => isServerReason(name, code)));
}

/**
 * What `mqtt-packet` makes of the packet, after asserting that it is no larger than the peer takes;
 * `null` when nothing was written.
 */
function read(
  peer: Peer,
  encode: (out: ByteWriter) => unknown,
): Readonly<Record<string, unknown>> | null {
  const out = new ByteWriter(16);
  const isWritten = Boolean(encode(out));
  expect(out.position > 0).toBe(isWritten);
  if (!isWritten) return null;
  expect(out.position).toBeLessThanOrEqual(peer.maxPacketBytes);
  const packets = foreignPackets(out.view(), peer.version);
  expect(packets).toHaveLength(1);
  return packets[0] ?? null;
}

/** Properties as `mqtt-packet` shows them: no field for none, explanations where they fit. */
function shown(peer: Peer, properties: object, isWhole: boolean): Record<string, unknown> {
  const foreign = toForeign({ ...properties });
  if (!isWhole) {
    delete foreign.reasonString;
    delete foreign.userProperties;
  }
  return peer.version === 5 && Object.keys(foreign).length > 0 ? { properties: foreign } : {};
}

/** Asserts that the packet is the one wanted, with its explanations or, where they may go, without. */
function expectEither(
  peer: Peer,
  encode: (peer: Peer, out: ByteWriter) => unknown,
  fields: Readonly<Record<string, unknown>>,
  properties: object,
): void {
  const packet = read(peer, (out) => encode(peer, out));
  const unbounded = { ...peerOf(peer.version), wantsProblems: peer.wantsProblems };
  const whole = new ByteWriter();
  encode(unbounded, whole);
  const fits = whole.position <= peer.maxPacketBytes;
  if (packet === null) {
    expect(fits).toBe(false);
    return;
  }
  const { cmd, length, topic, payload, qos, dup, retain, ...rest } = packet;
  const wanted = { ...fields, ...shown(peer, properties, peer.wantsProblems && fits) };
  const actual =
    fields.cmd === "publish"
      ? { cmd, topic, payload, qos, dup, retain, ...rest }
      : { cmd, ...rest };
  // Fields that are absent are compared as absent.
  expect(JSON.parse(JSON.stringify(actual))).toEqual(JSON.parse(JSON.stringify(wanted)));
}

test("CONNACK is read by others as it was meant", () => {
  const given = propertiesIn("connack", "server");
  fc.assert(
    fc.property(
      peer,
      reasonsOf("connack"),
      fc.boolean(),
      given,
      (to, reason, present, properties) => {
        const code = connackReturnCode(reason);
        fc.pre(to.version === 5 || (code !== null && to.maxPacketBytes >= 4));
        const connack = { sessionPresent: present, reason, properties };
        const fields = {
          cmd: "connack",
          sessionPresent: present && reason === 0 && to.version !== 3,
          ...(to.version === 5 ? { reasonCode: reason } : { returnCode: code }),
        };
        expectEither(to, (each, out) => encodeConnack(out, each, connack), fields, properties);
      },
    ),
    RUNS,
  );
});

test("PUBLISH is read by others as it was meant", () => {
  const delivery = fc.record({
    to: peer,
    text: mqttTopic,
    payload: fc.uint8Array({ maxLength: 200 }),
    properties: propertiesIn("publish", "server"),
    form: fc.record({ qos, isDuplicate: fc.boolean(), isRetained: fc.boolean(), packetId }),
  });
  fc.assert(
    fc.property(delivery, ({ to, text, payload, properties, form }) => {
      const { messageExpiry, subscriptionIdentifiers, topicAlias, ...rest } = properties;
      const message = { topic: parseTopic(text, PROTOCOL_TOPIC_LIMITS), payload, properties: rest };
      const extras = {
        subscriptionIdentifiers: subscriptionIdentifiers ?? [],
        topicAlias: topicAlias ?? 0,
        isTopicSent: topicAlias === undefined,
        expirySeconds: messageExpiry ?? null,
      };
      const packet = read(to, (out) => encodePublish(out, to, message, form, extras));
      if (packet === null) {
        const whole = new ByteWriter();
        const length = encodePublish(whole, peerOf(to.version), message, form, extras);
        expect(length).toBeGreaterThan(to.maxPacketBytes);
        return;
      }
      expect(packet).toMatchObject({
        cmd: "publish",
        topic: to.version === 5 && topicAlias !== undefined ? "" : text,
        payload: Buffer.from(payload),
        qos: form.qos,
        dup: form.isDuplicate,
        retain: form.isRetained,
        ...(form.qos > 0 ? { messageId: form.packetId } : {}),
      });
      const foreign = toForeign(properties);
      const isPlain = to.version !== 5 || Object.keys(foreign).length === 0;
      expect(packet.properties).toEqual(isPlain ? undefined : foreign);
    }),
    RUNS,
  );
});

test("SUBACK and UNSUBACK are read by others as they were meant", () => {
  const given = propertiesIn("suback", "server");
  const suback = fc.array(reasonsOf("suback"), { minLength: 1, maxLength: 5 });
  const unsuback = fc.array(reasonsOf("unsuback"), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(peer, packetId, suback, given, (to, messageId, codes, properties) => {
      const granted = codes.map((code) => (to.version === 5 ? code : Math.min(code, 0x80)));
      const fields = { cmd: "suback", messageId, granted };
      const encode = (each: Peer, out: ByteWriter) =>
        encodeSuback(out, each, messageId, codes, properties);
      expectEither(to, encode, fields, properties);
    }),
    RUNS,
  );
  fc.assert(
    fc.property(peer, packetId, unsuback, given, (to, messageId, codes, properties) => {
      const fields = {
        cmd: "unsuback",
        messageId,
        ...(to.version === 5 ? { granted: codes } : {}),
      };
      const encode = (each: Peer, out: ByteWriter) =>
        encodeUnsuback(out, each, messageId, codes, properties);
      expectEither(to, encode, fields, properties);
    }),
    RUNS,
  );
});

test("acknowledgements are read by others as they were meant", () => {
  const given = propertiesIn("puback", "server");
  for (const name of [
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
  ] as const satisfies AcknowledgementName[]) {
    fc.assert(
      fc.property(peer, packetId, reasonsOf(name), given, (to, messageId, reason, properties) => {
        const reasonCode = to.version === 5 ? { reasonCode: reason } : {};
        const encode = (each: Peer, out: ByteWriter) =>
          encodeAcknowledgement(out, each, name, messageId, reason, properties);
        expectEither(to, encode, { cmd: name, messageId, ...reasonCode }, properties);
      }),
      { numRuns: 300 },
    );
  }
});

test("DISCONNECT and AUTH are read by others as they were meant", () => {
  const ending = propertiesIn("disconnect", "server");
  fc.assert(
    fc.property(
      peer,
      reasonsOf("disconnect"),
      ending,
      (to, reason, { sessionExpiry, ...given }) => {
        // `mqtt-packet` has the codes of the table of §3.14, which lacks 0x8C, not those of §2.4.
        fc.pre(to.version === 5 && reason !== REASON.badAuthenticationMethod);
        const encode = (each: Peer, out: ByteWriter) => encodeDisconnect(out, each, reason, given);
        expectEither(to, encode, { cmd: "disconnect", reasonCode: reason }, given);
      },
    ),
    RUNS,
  );
  const exchange = propertiesIn("auth", "server");
  const reasons = fc.constantFrom(REASON.success, REASON.continueAuthentication);
  fc.assert(
    fc.property(peer, reasons, exchange, (to, reason, given) => {
      fc.pre(to.version === 5);
      const encode = (each: Peer, out: ByteWriter) => encodeAuth(out, each, reason, given);
      expectEither(to, encode, { cmd: "auth", reasonCode: reason }, given);
    }),
    RUNS,
  );
});

test("PINGRESP is read by others as it was meant", () => {
  expect(foreignPackets(PINGRESP, 5)).toMatchObject([{ cmd: "pingresp" }]);
});
