import { describe, expect, test } from "vitest";
import {
  AcknowledgementReader,
  encodeAcknowledgement,
} from "../../src/transport/mqtt/native/codec/acknowledgement.ts";
import {
  type AcknowledgementName,
  PACKET_TYPE,
  type ProtocolVersion,
} from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { peerOf } from "../../src/transport/mqtt/native/codec/peer.ts";
import { REASON } from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import {
  expectNothingWritten,
  lying,
  type Part,
  properties,
  reasonOf,
  written,
} from "../support/mqtt-codec.ts";

const NAMES: readonly AcknowledgementName[] = ["puback", "pubrec", "pubrel", "pubcomp"];

function read(
  name: AcknowledgementName,
  version: ProtocolVersion,
  parts: readonly Part[],
  reader = new AcknowledgementReader(),
): AcknowledgementReader {
  const packet = lying(PACKET_TYPE[name] << 4, ...parts);
  reader.read(packet.bytes, name, packet.body, packet.end, version);
  return reader;
}

describe.each(NAMES)("%s", (name) => {
  test("is a packet id, and success", () => {
    for (const version of [3, 4, 5] as const) {
      expect(read(name, version, [1, 2])).toMatchObject({
        packetId: 258,
        reason: REASON.success,
        reasonString: null,
      });
    }
  });

  test("has a reason in MQTT 5, and properties after it", () => {
    const reason = name === "pubrel" || name === "pubcomp" ? 0x92 : 0x97;
    const reader = new AcknowledgementReader();
    expect(read(name, 5, [0, 1, reason], reader)).toMatchObject({ reason, reasonString: null });
    const sent = properties(0x26, "k", "v", 0x1f, "no");
    expect(read(name, 5, [0, 1, reason, sent], reader)).toMatchObject({
      reason,
      reasonString: "no",
    });
    expect(read(name, 5, [0, 1], reader)).toMatchObject({ reason: 0, reasonString: null });
    expect(read(name, 5, [0, 1, 0, 0], reader).packetId).toBe(1);
  });

  test("[MQTT-2.2.1-3] of packet id 0 is a protocol error", () => {
    expect(reasonOf(() => read(name, 4, [0, 0]))).toBe("protocolError");
    expect(reasonOf(() => read(name, 5, [0, 0]))).toBe("protocolError");
  });

  test("[MQTT-3.4.2-1] of a reason that is not a client's to give is a protocol error", () => {
    for (const reason of [0x01, 0x10, 0x81, 0xff]) {
      expect(reasonOf(() => read(name, 5, [0, 1, reason]))).toBe("protocolError");
    }
  });

  test.each([
    ["nothing", 5, []],
    ["half a packet id", 5, [0]],
    ["a reason before MQTT 5", 4, [0, 1, 0]],
    ["bytes after its properties", 5, [0, 1, 0, 0, 0]],
    ["properties past its end", 5, [0, 1, 0, 9]],
    ["a property of another packet", 5, [0, 1, 0, 2, 0x01, 1]],
  ] as const)("with %s is malformed", (_, version, parts) => {
    expect(reasonOf(() => read(name, version, parts))).toBe("malformedPacket");
  });

  test("is written as a packet id alone when there is nothing else to say", () => {
    const first = { puback: "40", pubrec: "50", pubrel: "62", pubcomp: "70" }[name];
    for (const version of [3, 4, 5] as const) {
      const encode = written((out) => encodeAcknowledgement(out, peerOf(version), name, 258));
      expect(encode).toBe(`${first}020102`);
    }
    expect(
      written((out) => encodeAcknowledgement(out, peerOf(4), name, 258, REASON.notAuthorized)),
    ).toBe(`${first}020102`);
  });
});

describe("the explanation", () => {
  const no = { reasonString: "no", userProperties: [["k", "v"]] } as const;
  const encode = (peer: ReturnType<typeof peerOf>) =>
    written((out) => encodeAcknowledgement(out, peer, "puback", 1, REASON.quotaExceeded, no));
  const bare = "4003000197";

  test("is written", () => {
    expect(encode(peerOf(5))).toBe("4010000197" + "0c1f00026e6f2600016b000176");
  });

  test("[MQTT-3.1.2-29] is left out when the client wants none, the reason is not", () => {
    expect(encode({ ...peerOf(5), wantsProblems: false })).toBe(bare);
  });

  test("[MQTT-3.4.2-2] [MQTT-3.4.2-3] is left out when the packet would be too large", () => {
    expect(encode({ ...peerOf(5), maxPacketBytes: 18 })).toHaveLength(36);
    expect(encode({ ...peerOf(5), maxPacketBytes: 17 })).toBe(bare);
  });

  test("a refusal that does not fit is not turned into success", () => {
    const peer = { ...peerOf(5), maxPacketBytes: 4 };
    expectNothingWritten((out) =>
      encodeAcknowledgement(out, peer, "puback", 1, REASON.quotaExceeded, no),
    );
    expect(written((out) => encodeAcknowledgement(out, peer, "puback", 1))).toBe("40020001");
    expect(written((out) => encodeAcknowledgement(out, peer, "puback", 1, 0, no))).toBe("40020001");
    expectNothingWritten((out) =>
      encodeAcknowledgement(out, { ...peer, maxPacketBytes: 3 }, "puback", 1),
    );
  });
});
