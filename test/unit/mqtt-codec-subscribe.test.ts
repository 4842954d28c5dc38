import { describe, expect, test } from "vitest";
import type { ProtocolVersion } from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { peerOf } from "../../src/transport/mqtt/native/codec/peer.ts";
import { REASON, type ReasonCode } from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import {
  encodeSuback,
  parseSubscribe,
  type SubscribePacket,
} from "../../src/transport/mqtt/native/codec/subscribe.ts";
import {
  encodeUnsuback,
  parseUnsubscribe,
  type UnsubscribePacket,
} from "../../src/transport/mqtt/native/codec/unsubscribe.ts";
import {
  bytes,
  expectNothingWritten,
  field,
  LIMITS,
  lying,
  type Part,
  properties,
  reasonOf,
  written,
} from "../support/mqtt-codec.ts";

function subscribe(version: ProtocolVersion, ...parts: readonly Part[]): SubscribePacket {
  const packet = lying(0x82, ...parts);
  return parseSubscribe(packet.bytes, packet.body, packet.end, version, LIMITS);
}

function unsubscribe(version: ProtocolVersion, ...parts: readonly Part[]): UnsubscribePacket {
  const packet = lying(0xa2, ...parts);
  return parseUnsubscribe(packet.bytes, packet.body, packet.end, version, LIMITS);
}

const BAD_TEXTS: [string, Uint8Array][] = [
  ["[MQTT-1.5.4-1] ill-formed UTF-8", Uint8Array.of(0xff)],
  ["[MQTT-1.5.4-2] U+0000", Uint8Array.of(0x61, 0)],
];

describe("SUBSCRIBE", () => {
  test("[MQTT-3.8.3-1] names filters, each with its QoS, before MQTT 5", () => {
    expect(subscribe(4, 1, 2, "a/+", 2, "#", 0)).toEqual({
      packetId: 258,
      subscriptionIdentifier: 0,
      userProperties: [],
      requests: [
        {
          ...{ name: "a/+", filter: "a/+", group: null, refusal: null },
          ...{ qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        },
        {
          ...{ name: "#", filter: "#", group: null, refusal: null },
          ...{ qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        },
      ],
    });
  });

  test("has options and properties in MQTT 5", () => {
    const sent = properties(0x0b, 0x80, 1, 0x26, "k", "v");
    expect(subscribe(5, 0, 9, sent, "a", 0x2d)).toEqual({
      packetId: 9,
      subscriptionIdentifier: 128,
      userProperties: [["k", "v"]],
      requests: [
        {
          ...{ name: "a", filter: "a", group: null, refusal: null },
          ...{ qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        },
      ],
    });
  });

  test("[MQTT-4.8.2-1] of a shared name is taken apart", () => {
    expect(subscribe(5, 0, 9, 0, "$share/g/a/+", 1).requests[0]).toMatchObject({
      name: "$share/g/a/+",
      group: "g",
      filter: "a/+",
      refusal: null,
    });
  });

  test.each(["a#", "a/#/b", "a+", "+b/c", "", "$share/g", "$share/g/", "$share//a", "$share/+/a"])(
    "[MQTT-4.7.1-1] [MQTT-4.8.2-2] refuses filter %j alone, not the packet",
    (name) => {
      const { requests } = subscribe(5, 0, 9, 0, name, 1, "b", 0);
      expect(requests).toMatchObject([
        { name, refusal: REASON.topicFilterInvalid, qos: 1 },
        { name: "b", refusal: null },
      ]);
      expect(subscribe(4, 0, 9, name, 1).requests).toMatchObject([{ refusal: 0x8f }]);
    },
  );

  test("[MQTT-3.8.3-2] without a filter is a protocol error", () => {
    expect(reasonOf(() => subscribe(4, 0, 9))).toBe("protocolError");
    expect(reasonOf(() => subscribe(5, 0, 9, 0))).toBe("protocolError");
  });

  test("[MQTT-2.2.1-3] of packet id 0 is a protocol error", () => {
    expect(reasonOf(() => subscribe(4, 0, 0, "a", 0))).toBe("protocolError");
  });

  test("[MQTT-3.8.3-4] with no local on a shared subscription is a protocol error", () => {
    expect(reasonOf(() => subscribe(5, 0, 9, 0, "$share/g/a", 4))).toBe("protocolError");
  });

  test.each([0x40, 0x80, 0xc1])(
    "[MQTT-3.8.3-5] of reserved options 0x%i is malformed",
    (options) => {
      expect(reasonOf(() => subscribe(5, 0, 9, 0, "a", options))).toBe("malformedPacket");
    },
  );

  test.each([4, 8, 0x10, 0x40, 0x82])(
    "[MQTT-3-8.3-4] of option bits %i is malformed before MQTT 5",
    (bits) => {
      expect(reasonOf(() => subscribe(4, 0, 9, "a", bits))).toBe("malformedPacket");
      expect(reasonOf(() => subscribe(3, 0, 9, "a", bits))).toBe("malformedPacket");
    },
  );

  test("of QoS 3 or retain handling 3 is a protocol error", () => {
    expect(reasonOf(() => subscribe(4, 0, 9, "a", 3))).toBe("protocolError");
    expect(reasonOf(() => subscribe(5, 0, 9, 0, "a", 3))).toBe("protocolError");
    expect(reasonOf(() => subscribe(5, 0, 9, 0, "a", 0x30))).toBe("protocolError");
  });

  test.each(BAD_TEXTS)("with %s in a filter is malformed", (_, text) => {
    expect(reasonOf(() => subscribe(4, 0, 9, field(text), 0))).toBe("malformedPacket");
    expect(reasonOf(() => subscribe(5, 0, 9, 0, field(text), 0))).toBe("malformedPacket");
  });

  test.each([1, 3, 4, 5])("cut to %i bytes is malformed", (length) => {
    const parts = bytes(0, 9, "ab", 0).subarray(0, length);
    expect(reasonOf(() => subscribe(4, parts))).toBe("malformedPacket");
  });
});

describe("UNSUBSCRIBE", () => {
  test("names filters", () => {
    expect(unsubscribe(4, 0, 9, "a", "$share/g/b")).toEqual({
      packetId: 9,
      userProperties: [],
      filters: [
        { name: "a", filter: "a", group: null, refusal: null },
        { name: "$share/g/b", filter: "b", group: "g", refusal: null },
      ],
    });
    expect(unsubscribe(5, 0, 9, properties(0x26, "k", "v"), "a")).toMatchObject({
      userProperties: [["k", "v"]],
      filters: [{ name: "a" }],
    });
  });

  test("[MQTT-3.10.3-2] without a filter is a protocol error", () => {
    expect(reasonOf(() => unsubscribe(4, 0, 9))).toBe("protocolError");
    expect(reasonOf(() => unsubscribe(5, 0, 9, 0))).toBe("protocolError");
  });

  test("[MQTT-2.2.1-3] of packet id 0 is a protocol error", () => {
    expect(reasonOf(() => unsubscribe(4, 0, 0, "a"))).toBe("protocolError");
  });

  test.each(BAD_TEXTS)("[MQTT-3.10.3-1] with %s in a filter is malformed", (_, text) => {
    expect(reasonOf(() => unsubscribe(4, 0, 9, field(text)))).toBe("malformedPacket");
  });

  test("refuses a bad filter alone", () => {
    expect(unsubscribe(5, 0, 9, 0, "a#", "b").filters).toMatchObject([
      { refusal: REASON.topicFilterInvalid },
      { refusal: null },
    ]);
  });
});

describe("their answers", () => {
  const codes: readonly ReasonCode[] = [REASON.success, REASON.grantedQos2, REASON.notAuthorized];
  const explanation = { reasonString: "no" };

  test("[MQTT-3.8.4-6] SUBACK holds a code for each filter; before MQTT 5 0x80 refuses", () => {
    const of = (version: ProtocolVersion) =>
      written((out) => encodeSuback(out, peerOf(version), 258, codes, explanation));
    expect(of(4)).toBe("90050102000280");
    expect(of(5)).toBe("900b0102051f00026e6f000287");
  });

  test("[MQTT-3.11.3-1] UNSUBACK holds a code for each filter in MQTT 5 only", () => {
    const unsuback = [REASON.success, REASON.noSubscriptionExisted];
    const of = (version: ProtocolVersion) =>
      written((out) => encodeUnsuback(out, peerOf(version), 258, unsuback, explanation));
    expect(of(3)).toBe("b0020102");
    expect(of(5)).toBe("b00a0102051f00026e6f0011");
  });

  test("[MQTT-3.1.2-29] [MQTT-3.9.2-1] explain nothing that is unwanted or too large", () => {
    const silent = { ...peerOf(5), wantsProblems: false };
    expect(written((out) => encodeSuback(out, silent, 1, codes, explanation))).toBe(
      "9006000100000287",
    );
    const small = { ...peerOf(5), maxPacketBytes: 8 };
    expect(written((out) => encodeSuback(out, small, 1, codes, explanation))).toBe(
      "9006000100000287",
    );
    expect(written((out) => encodeUnsuback(out, small, 1, [0, 0], explanation))).toBe(
      "b005000100" + "0000",
    );
    expectNothingWritten((out) => encodeSuback(out, { ...small, maxPacketBytes: 7 }, 1, codes));
    expectNothingWritten((out) => encodeUnsuback(out, { ...small, maxPacketBytes: 6 }, 1, [0, 0]));
  });
});
