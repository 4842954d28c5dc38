import { describe, expect, test } from "vitest";
import { encodeAuth, parseAuth } from "../../src/transport/mqtt/native/codec/auth.ts";
import { encodeConnack, encodeRefusal } from "../../src/transport/mqtt/native/codec/connack.ts";
import {
  encodeDisconnect,
  parseDisconnect,
} from "../../src/transport/mqtt/native/codec/disconnect.ts";
import { clientPacketType } from "../../src/transport/mqtt/native/codec/packet-header.ts";
import {
  PACKET_TYPE,
  type ProtocolVersion,
} from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { peerOf } from "../../src/transport/mqtt/native/codec/peer.ts";
import { checkPingreq, PINGRESP } from "../../src/transport/mqtt/native/codec/ping.ts";
import { REASON } from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import {
  expectNothingWritten,
  field,
  lying,
  type Part,
  properties,
  reasonOf,
  written,
} from "../support/mqtt-codec.ts";

describe("the first byte", () => {
  const REQUIRED = {
    ...{ puback: 0, pubrec: 0, pubrel: 2, pubcomp: 0, subscribe: 2, unsubscribe: 2 },
    ...{ pingreq: 0, disconnect: 0, auth: 0 },
  } as const;
  const flags = Array.from({ length: 16 }, (_, value) => value);

  test.each(Object.entries(REQUIRED))("[MQTT-2.1.3-1] of %s has the flags %i", (name, required) => {
    const type = PACKET_TYPE[name as keyof typeof REQUIRED];
    for (const value of flags) {
      const judge = () => clientPacketType((type << 4) | value, 5);
      if (value === required) expect(judge()).toBe(type);
      else expect(reasonOf(judge)).toBe("malformedPacket");
    }
  });

  test("of PUBLISH may have any flags, as its reader judges them", () => {
    for (const value of flags) expect(clientPacketType(0x30 | value, 4)).toBe(3);
  });

  test("may mark a packet of MQTT 3.1 as sent again", () => {
    for (const byte of [0x6a, 0x8a, 0xaa]) {
      expect(clientPacketType(byte, 3)).toBe(byte >> 4);
      expect(reasonOf(() => clientPacketType(byte, 4))).toBe("malformedPacket");
    }
  });

  test("[MQTT-3.1.0-2] of a second CONNECT is a protocol error", () => {
    expect(reasonOf(() => clientPacketType(0x10, 4))).toBe("protocolError");
  });

  test.each([0x20, 0x90, 0xb0, 0xd0])(
    "of a packet of servers, 0x%i, is a protocol error",
    (byte) => {
      expect(reasonOf(() => clientPacketType(byte, 5))).toBe("protocolError");
    },
  );

  test("of a reserved type is malformed", () => {
    expect(reasonOf(() => clientPacketType(0x00, 5))).toBe("malformedPacket");
    expect(reasonOf(() => clientPacketType(0xf0, 4))).toBe("malformedPacket");
    expect(clientPacketType(0xf0, 5)).toBe(15);
  });
});

describe("DISCONNECT", () => {
  const parse = (version: ProtocolVersion, ...parts: readonly Part[]) => {
    const packet = lying(0xe0, ...parts);
    return parseDisconnect(packet.bytes, packet.body, packet.end, version);
  };
  const plain = { reason: 0, sessionExpirySeconds: null, reasonString: null, userProperties: [] };

  test("without a body is normal", () => {
    for (const version of [3, 4, 5] as const) expect(parse(version)).toEqual(plain);
  });

  test("has a reason, and properties after it, in MQTT 5", () => {
    expect(parse(5, 0x04)).toEqual({ ...plain, reason: 4 });
    const sent = properties(0x11, 0, 0, 0, 7, 0x1f, "bye", 0x26, "k", "v");
    expect(parse(5, 0x98, sent)).toEqual({
      reason: REASON.administrativeAction,
      sessionExpirySeconds: 7,
      reasonString: "bye",
      userProperties: [["k", "v"]],
    });
  });

  test.each([0x01, 0x8b, 0x8e, 0xff])(
    "[MQTT-3.14.2-1] of reason %i is a protocol error",
    (reason) => {
      expect(reasonOf(() => parse(5, reason))).toBe("protocolError");
    },
  );

  test("with a body before MQTT 5, or bytes after its properties, is malformed", () => {
    expect(reasonOf(() => parse(4, 0))).toBe("malformedPacket");
    expect(reasonOf(() => parse(5, 0, 0, 0))).toBe("malformedPacket");
  });

  test("with a server reference is a protocol error: that is the server's to send", () => {
    expect(reasonOf(() => parse(5, 0, properties(0x1c, "x")))).toBe("protocolError");
  });

  test("is written to MQTT 5 clients only", () => {
    const no = { reasonString: "no", serverReference: "b:1" };
    const encode = (peer: ReturnType<typeof peerOf>) =>
      written((out) => encodeDisconnect(out, peer, REASON.useAnotherServer, no));
    expect(encode(peerOf(5))).toBe("e00d9c0b1f00026e6f1c0003623a31");
    expectNothingWritten((out) => encodeDisconnect(out, peerOf(4), REASON.useAnotherServer, no));
    // [MQTT-3.14.2-3]: the reference stays, the reason string goes.
    const short = "e0089c061c0003623a31";
    expect(encode({ ...peerOf(5), maxPacketBytes: 14 })).toBe(short);
    expect(encode({ ...peerOf(5), wantsProblems: false })).toBe(short);
    const tiny = { ...peerOf(5), maxPacketBytes: 3 };
    expectNothingWritten((out) => encodeDisconnect(out, tiny, REASON.serverShuttingDown));
  });
});

describe("AUTH", () => {
  const parse = (...parts: readonly Part[]) => {
    const packet = lying(0xf0, ...parts);
    return parseAuth(packet.bytes, packet.body, packet.end);
  };

  test("has a method and data", () => {
    expect(parse(0x18, properties(0x15, "m", 0x16, field(Uint8Array.of(1)), 0x1f, "r"))).toEqual({
      reason: REASON.continueAuthentication,
      method: "m",
      data: Uint8Array.of(1),
      reasonString: "r",
      userProperties: [],
    });
    expect(parse(0x19, properties(0x15, "m"))).toMatchObject({ reason: 0x19, data: null });
  });

  test("[MQTT-3.15.2-1] of success is the server's to send", () => {
    expect(reasonOf(() => parse())).toBe("protocolError");
    expect(reasonOf(() => parse(0, properties(0x15, "m")))).toBe("protocolError");
  });

  test("without a method is a protocol error", () => {
    expect(reasonOf(() => parse(0x18, 0))).toBe("protocolError");
  });

  test("with bytes after its properties is malformed", () => {
    expect(reasonOf(() => parse(0x18, properties(0x15, "m"), 0))).toBe("malformedPacket");
  });

  test("is written", () => {
    const more = { authenticationMethod: "m", authenticationData: Uint8Array.of(7) };
    expect(written((out) => encodeAuth(out, peerOf(5), REASON.continueAuthentication, more))).toBe(
      "f00a18081500016d16000107",
    );
  });
});

describe("CONNACK", () => {
  const accepted = { sessionPresent: true, reason: REASON.success, properties: {} };

  test("[MQTT-3.2.2-3] tells of a session, but to MQTT 3.1", () => {
    expect(written((out) => encodeConnack(out, peerOf(3), accepted))).toBe("20020000");
    expect(written((out) => encodeConnack(out, peerOf(4), accepted))).toBe("20020100");
    expect(written((out) => encodeConnack(out, peerOf(5), accepted))).toBe("2003010000");
  });

  test("[MQTT-3.2.2-6] of a refusal tells of no session", () => {
    const refused = { ...accepted, reason: REASON.notAuthorized };
    expect(written((out) => encodeConnack(out, peerOf(4), refused))).toBe("20020005");
    expect(written((out) => encodeConnack(out, peerOf(5), refused))).toBe("2003008700");
  });

  test("has what the server allows", () => {
    const allowed = {
      assignedClientId: "c",
      serverKeepAlive: 30,
      receiveMaximum: 10,
      maximumPacketSize: 65_536,
      topicAliasMaximum: 4,
      maximumQos: 1,
      retainAvailable: 0,
      sessionExpiry: 7,
    } as const;
    expect(
      written((out) => encodeConnack(out, peerOf(5), { ...accepted, properties: allowed })),
    ).toBe(
      "201e01001b" +
        "12000163" +
        "13001e" +
        "21000a" +
        "2700010000" +
        "220004" +
        "2401" +
        "2500" +
        "1100000007",
    );
  });

  test("[MQTT-3.2.2-19] leaves the reason out when the client takes no such packet", () => {
    const refusal = { peer: peerOf(5), reason: REASON.clientIdentifierNotValid, message: "no" };
    expect(written((out) => encodeRefusal(out, refusal))).toBe("2008008505" + "1f00026e6f");
    const peer = { ...peerOf(5), maxPacketBytes: 9 };
    expect(written((out) => encodeRefusal(out, { ...refusal, peer }))).toBe("2003008500");
    expect(written((out) => encodeRefusal(out, { ...refusal, peer: peerOf(4) }))).toBe("20020002");
  });

  test("is not written where the version has no code for the reason", () => {
    const refusal = { peer: peerOf(4), reason: REASON.unspecifiedError, message: "no" };
    expectNothingWritten((out) => encodeRefusal(out, refusal));
  });
});

test("[MQTT-3.12.4-1] PINGREQ has no body, PINGRESP is two bytes", () => {
  checkPingreq(2, 2);
  expect(reasonOf(() => checkPingreq(2, 3))).toBe("malformedPacket");
  expect([...PINGRESP]).toEqual([0xd0, 0]);
});
