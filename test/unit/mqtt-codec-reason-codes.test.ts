import { describe, expect, test } from "vitest";
import { ERROR_FORMS, type ErrorCode, errorForm, GatewayError } from "../../src/errors.ts";
import {
  disconnectReason,
  PacketError,
} from "../../src/transport/mqtt/native/codec/packet-error.ts";
import {
  connackReturnCode,
  isClientReason,
  isServerReason,
  REASON,
  type RefusingPacket,
  reasonFor,
  reasonName,
} from "../../src/transport/mqtt/native/codec/reason-codes.ts";

const CODES = Object.keys(ERROR_FORMS) as ErrorCode[];

/** MQTT 5 §3.2.2.2 to §3.15.2.1 by the tables of the packets, to hold the table of the code against. */
const OF_SERVER = {
  connack: [
    ...[0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95],
    ...[0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
  ],
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnect: [
    ...[0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94],
    ...[0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
  ],
  auth: [0x00, 0x18],
} as const;

const OF_CLIENT = {
  puback: [0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
  disconnect: [
    ...[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99],
  ],
  auth: [0x18, 0x19],
} as const;

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

describe("the table", () => {
  test.each(Object.entries(OF_SERVER))("has the codes of a server's %s", (packet, codes) => {
    const name = packet as keyof typeof OF_SERVER;
    expect(BYTES.filter((byte) => isServerReason(name, byte))).toEqual(codes);
  });

  test.each(Object.entries(OF_CLIENT))("has the codes of a client's %s", (packet, codes) => {
    const name = packet as keyof typeof OF_CLIENT;
    expect(BYTES.filter((byte) => isClientReason(name, byte))).toEqual(codes);
  });

  test("names every code once", () => {
    const codes = Object.values(REASON);
    expect(new Set(codes).size).toBe(codes.length);
    for (const [name, code] of Object.entries(REASON)) expect(reasonName(code)).toBe(name);
    expect(reasonName(0x05)).toBe("0x05");
  });
});

describe("our refusals", () => {
  const packets: readonly RefusingPacket[] = [
    ...(["connack", "puback", "pubrec", "suback", "unsuback", "disconnect"] as const),
  ];

  test.each(packets)(
    "[MQTT-3.4.2-1] in %s have a code it may carry, their own if it may",
    (packet) => {
      for (const code of CODES) {
        const reason = reasonFor(packet, code);
        const own = errorForm(code).mqtt5;
        expect(isServerReason(packet, reason)).toBe(true);
        expect(reason).toBeGreaterThanOrEqual(0x80);
        if (isServerReason(packet, own)) expect(reason).toBe(own);
      }
    },
  );

  test.each([
    ["connack", "draining", "serverUnavailable"],
    ["connack", "rate_limited", "connectionRateExceeded"],
    ["connack", "invalid_filter", "topicNameInvalid"],
    ["puback", "too_large", "quotaExceeded"],
    ["puback", "rate_limited", "quotaExceeded"],
    ["puback", "unauthenticated", "notAuthorized"],
    ["puback", "draining", "implementationSpecificError"],
    ["suback", "invalid_topic", "topicFilterInvalid"],
    ["unsuback", "limit_exceeded", "implementationSpecificError"],
    ["disconnect", "unauthenticated", "notAuthorized"],
  ] as const)("in %s say %s by %s", (packet, code, reason) => {
    expect(reasonName(reasonFor(packet, code))).toBe(reason);
  });

  // A slow subscriber is connected: nothing of it is said in CONNACK.
  const atConnect = CODES.filter((code) => code !== "slow_subscriber");

  test.each(atConnect)("%s has the return code of its table entry before MQTT 5", (code) => {
    const { mqtt3 } = errorForm(code);
    const expected = { forbidden: 5, invalid_filter: null }[code as string];
    const fromTable = mqtt3.startsWith("connack ") ? Number(mqtt3.slice(8)) : null;
    const returnCode = connackReturnCode(reasonFor("connack", code));
    expect(returnCode).toBe(expected === undefined ? fromTable : expected);
  });
});

test("DISCONNECT says a packet's own reason, and the table's for other refusals", () => {
  const of = (error: GatewayError) => reasonName(disconnectReason(error));
  expect(of(new PacketError(REASON.topicAliasInvalid, "no"))).toBe("topicAliasInvalid");
  expect(of(new PacketError(REASON.malformedPacket, "no"))).toBe("malformedPacket");
  expect(of(new PacketError(REASON.clientIdentifierNotValid, "no"))).toBe("protocolError");
  expect(of(new GatewayError("session_replaced", "no"))).toBe("sessionTakenOver");
  expect(of(new GatewayError("draining", "no"))).toBe("serverShuttingDown");
});
