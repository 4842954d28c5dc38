import { describe, expect, test } from "vitest";
import { PROTOCOL_TOPIC_LIMITS, parseTopic, type Topic } from "../../src/bus/topic.ts";
import { remainingExpirySeconds } from "../../src/transport/mqtt/native/codec/message-properties.ts";
import type { ProtocolVersion } from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { peerOf } from "../../src/transport/mqtt/native/codec/peer.ts";
import { PublishReader } from "../../src/transport/mqtt/native/codec/publish.ts";
import {
  encodePublish,
  encodePublishHead,
  NO_EXTRAS,
  packetIdPosition,
} from "../../src/transport/mqtt/native/codec/publish-writing.ts";
import { TopicNames } from "../../src/transport/mqtt/native/codec/topic-names.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import {
  bytes,
  expectNothingWritten,
  field,
  lying,
  type Part,
  properties,
  reasonOf,
  written,
} from "../support/mqtt-codec.ts";

const NAMES = new TopicNames(PROTOCOL_TOPIC_LIMITS);

function read(
  version: ProtocolVersion,
  firstByte: number,
  parts: readonly Part[],
  reader = new PublishReader(NAMES),
): PublishReader & { readonly payload: string } {
  const packet = lying(firstByte, ...parts);
  reader.read(packet.bytes, packet.start, packet.body, packet.end, version);
  const payload = packet.bytes.toString("utf8", reader.payloadStart, reader.payloadEnd);
  return Object.assign(reader, { payload });
}

function topicOf(text: string): Topic {
  return parseTopic(text, PROTOCOL_TOPIC_LIMITS);
}

describe("reading", () => {
  test.each([3, 4] as const)("takes a packet of level %i apart where it lies", (version) => {
    expect(read(version, 0x3b, ["a/é", 1, 2, bytes(0x68, 0x69)])).toMatchObject({
      topic: "a/é",
      qos: 1,
      isDuplicate: true,
      isRetained: true,
      packetId: 258,
      topicAlias: 0,
      properties: {},
      payload: "hi",
    });
  });

  test("takes a packet of level 5 apart where it lies", () => {
    const sent = properties(
      ...[0x01, 1, 0x02, 0, 0, 0, 60, 0x03, "t/p", 0x08, "r", 0x09, field(Uint8Array.of(7))],
      ...[0x23, 1, 0, 0x26, "k", "1", 0x26, "k", "2"],
    );
    expect(read(5, 0x34, ["a", 0, 9, sent, bytes(0x68, 0x69)])).toMatchObject({
      topic: "a",
      qos: 2,
      packetId: 9,
      topicAlias: 256,
      properties: {
        payloadFormat: 1,
        expiry: 60,
        contentType: "t/p",
        responseTopic: "r",
        correlationData: Uint8Array.of(7),
        userProperties: [
          ["k", "1"],
          ["k", "2"],
        ],
      },
      payload: "hi",
    });
  });

  test("forgets what the packet before it had", () => {
    const reader = new PublishReader(NAMES);
    read(5, 0x33, ["a", 0, 9, properties(0x23, 0, 1, 0x03, "t"), "x"], reader);
    expect(read(5, 0x30, ["b", 0], reader)).toMatchObject({
      topic: "b",
      packetId: 0,
      topicAlias: 0,
      isRetained: false,
      properties: {},
      payload: "",
    });
    read(5, 0x33, ["a", 0, 9, properties(0x23, 0, 1, 0x03, "t"), "x"], reader);
    expect(read(4, 0x30, ["b"], reader)).toMatchObject({ topicAlias: 0, properties: {} });
  });

  test("keeps no view of the read chunk in properties", () => {
    const packet = lying(0x30, "a", properties(0x09, field(Uint8Array.of(7)), 0x03, "t"));
    const reader = new PublishReader(NAMES);
    reader.read(packet.bytes, packet.start, packet.body, packet.end, 5);
    packet.bytes.fill(0);
    expect(reader.properties).toEqual({ correlationData: Uint8Array.of(7), contentType: "t" });
  });

  test("[MQTT-3.3.1-4] refuses QoS 3", () => {
    for (const version of [3, 4, 5] as const) {
      expect(reasonOf(() => read(version, 0x36, ["a", 0, 1, 0]))).toBe("malformedPacket");
    }
  });

  test("[MQTT-3.3.1-2] refuses QoS 0 with DUP, of which MQTT 3.1 says nothing", () => {
    expect(reasonOf(() => read(5, 0x38, ["a", 0]))).toBe("malformedPacket");
    expect(reasonOf(() => read(4, 0x38, ["a"]))).toBe("malformedPacket");
    expect(read(3, 0x38, ["a"]).topic).toBe("a");
  });

  test("[MQTT-2.2.1-3] refuses packet id 0", () => {
    expect(reasonOf(() => read(4, 0x32, ["a", 0, 0]))).toBe("protocolError");
    expect(reasonOf(() => read(5, 0x32, ["a", 0, 0, 0]))).toBe("protocolError");
  });

  test.each(["#", "+", "a/#", "a+b"])("[MQTT-3.3.2-2] refuses topic %s", (topic) => {
    expect(reasonOf(() => read(4, 0x30, [topic]))).toBe("topicNameInvalid");
    expect(reasonOf(() => read(5, 0x30, [topic, 0]))).toBe("topicNameInvalid");
  });

  test("a refused topic leaves what its acknowledgement needs", () => {
    const reader = new PublishReader(NAMES);
    expect(reasonOf(() => read(5, 0x32, ["a/#", 0, 7, 0], reader))).toBe("topicNameInvalid");
    expect(reader).toMatchObject({ qos: 1, packetId: 7, topic: null });
  });

  test.each([
    ["[MQTT-1.5.4-1] a surrogate", [0xed, 0xa0, 0x80]],
    ["[MQTT-1.5.4-1] an overlong form", [0xc0, 0xaf]],
    ["[MQTT-1.5.4-1] a sequence cut short", [0x61, 0xe2, 0x82]],
    ["[MQTT-1.5.4-2] U+0000", [0x61, 0]],
    ["[MQTT-1.5.4-2] U+0000 behind a wide character", [0xc3, 0xa9, 0]],
  ])("refuses a topic with %s", (_, text) => {
    const topic = field(Uint8Array.from(text));
    expect(reasonOf(() => read(4, 0x30, [topic]))).toBe("malformedPacket");
    expect(reasonOf(() => read(5, 0x30, [topic, 0]))).toBe("malformedPacket");
  });

  test("[MQTT-4.7.3-1] refuses an empty topic that no alias stands for", () => {
    expect(reasonOf(() => read(4, 0x30, [""]))).toBe("malformedPacket");
    expect(reasonOf(() => read(5, 0x30, ["", 0]))).toBe("protocolError");
    expect(read(5, 0x30, ["", properties(0x23, 0, 1)])).toMatchObject({
      topic: null,
      topicAlias: 1,
    });
  });

  test("[MQTT-3.3.2-8] refuses alias 0 as an invalid alias", () => {
    expect(reasonOf(() => read(5, 0x30, ["a", properties(0x23, 0, 0)]))).toBe("topicAliasInvalid");
  });

  test.each([
    ["its topic's length", 0x30, [0]],
    ["its topic", 0x30, [0, 2, 0x61]],
    ["its packet id", 0x32, ["a", 1]],
    ["its properties' length", 0x30, ["a"]],
    ["its properties", 0x30, ["a", 2, 1]],
  ])("refuses a packet that ends inside %s", (_, firstByte, parts) => {
    expect(reasonOf(() => read(5, firstByte, parts))).toBe("malformedPacket");
  });

  test("refuses a topic past our limits", () => {
    const names = new TopicNames({ maxTopicBytes: 3, maxTopicLevels: 2 });
    const reader = new PublishReader(names);
    expect(read(4, 0x30, ["a/b"], reader).topic).toBe("a/b");
    expect(reasonOf(() => read(4, 0x30, ["abcd"], reader))).toBe("topicNameInvalid");
    expect(reasonOf(() => read(4, 0x30, ["//"], reader))).toBe("topicNameInvalid");
  });

  test("finds many more topics than it remembers, long ones too", () => {
    const names = new TopicNames(PROTOCOL_TOPIC_LIMITS);
    const reader = new PublishReader(names);
    for (let round = 0; round < 2; round += 1) {
      for (let i = 0; i < 20_000; i += 1) {
        const topic = i % 1_000 === 0 ? `${i}/`.repeat(15) : `t/${i}/x`;
        expect(read(4, 0x30, [topic], reader).topic).toBe(topic);
      }
    }
    const long = "x".repeat(300);
    const packet = bytes(0x30, 0xae, 2, long);
    for (let round = 0; round < 2; round += 1) {
      reader.read(packet, 0, 3, packet.length, 4);
      expect(reader.topic).toBe(long);
    }
  });
});

describe("writing", () => {
  const message = { topic: topicOf("a/é"), payload: Uint8Array.of(1, 2), properties: {} };
  const live = { qos: 0, isDuplicate: false, isRetained: false, packetId: 0 } as const;
  const sent = { qos: 2, isDuplicate: true, isRetained: true, packetId: 0x0102 } as const;

  test("puts each form of a packet together", () => {
    const of = (version: ProtocolVersion, form: typeof live | typeof sent) =>
      written((out) => encodePublish(out, peerOf(version), message, form));
    expect(of(3, live)).toBe("30080004612fc3a90102");
    expect(of(4, live)).toBe("30080004612fc3a90102");
    expect(of(4, sent)).toBe("3d0a0004612fc3a901020102");
    expect(of(5, live)).toBe("30090004612fc3a9000102");
    expect(of(5, sent)).toBe("3d0b0004612fc3a90102000102");
  });

  test("adds the properties, and what the delivery adds to them, for level 5 only", () => {
    const rich = {
      topic: topicOf("a"),
      payload: Uint8Array.of(9),
      properties: {
        payloadFormat: 1,
        expiry: 300,
        contentType: "t",
        responseTopic: "r",
        correlationData: Uint8Array.of(7),
        userProperties: [
          ["k", "1"],
          ["k", "2"],
        ],
      },
    } as const;
    const extras = { ...NO_EXTRAS, subscriptionIdentifiers: [1, 200], expirySeconds: 255 };
    const encode = (version: ProtocolVersion) =>
      written((out) => encodePublish(out, peerOf(version), rich, live, extras));
    expect(encode(4)).toBe("300400016109");
    const content =
      "0101" + "02000000ff" + "03000174" + "08000172" + "09000107" + "0b01" + "0bc801";
    const user = "2600016b000131" + "2600016b000132";
    expect(encode(5)).toBe(`302b00016126${content}${user}09`);
  });

  test("[MQTT-3.3.2-6] sends the expiry that is left, or all of it when nobody says", () => {
    const expiring = { ...message, properties: { expiry: 10 } };
    const encode = (expirySeconds: number | null) =>
      written((out) =>
        encodePublish(out, peerOf(5), expiring, live, { ...NO_EXTRAS, expirySeconds }),
      );
    expect(encode(null)).toContain("020000000a");
    expect(encode(3)).toContain("0200000003");
  });

  test("leaves the topic to its alias", () => {
    const encode = (version: ProtocolVersion, isTopicSent: boolean) =>
      written((out) =>
        encodePublish(out, peerOf(version), message, live, {
          ...NO_EXTRAS,
          topicAlias: 5,
          isTopicSent,
        }),
      );
    expect(encode(5, true)).toBe("300c0004612fc3a9032300050102");
    expect(encode(5, false)).toBe("30080000032300050102");
    expect(encode(4, false)).toBe("30080004612fc3a90102");
  });

  test("[MQTT-3.1.2-24] writes nothing when the packet is larger than the client takes", () => {
    const peer = { ...peerOf(5), maxPacketBytes: 11 };
    expect(written((out) => encodePublish(out, peer, message, live))).toHaveLength(22);
    expectNothingWritten((out) =>
      encodePublish(out, { ...peer, maxPacketBytes: 10 }, message, live),
    );
  });

  test.each([0, 120, 121, 122, 123, 127, 128, 16_376, 16_377, 16_383, 16_384, 2_097_152])(
    "finds room for the length of a payload of %i bytes, however wide the topic's characters",
    (length) => {
      for (const topic of ["a", "é", "é".repeat(60)]) {
        const out = new ByteWriter(16);
        const payload = new Uint8Array(length).fill(0x61);
        const written = encodePublish(
          out,
          peerOf(4),
          { ...message, topic: topicOf(topic), payload },
          live,
        );
        const packet = Buffer.from(out.view());
        expect(packet.length).toBe(written);
        const remaining = Buffer.byteLength(topic) + 2 + length;
        const lengthBytes = packet.length - 1 - remaining;
        const reader = new PublishReader(NAMES);
        reader.read(packet, 0, 1 + lengthBytes, packet.length, 4);
        expect(reader.topic).toBe(topic);
        expect(reader.payloadEnd - reader.payloadStart).toBe(length);
      }
    },
  );

  test("gives the head alone to a caller who sends the payload from where it lies", () => {
    const out = new ByteWriter();
    expect(encodePublishHead(out, peerOf(4), message, sent)).toBe(12);
    expect(Buffer.from(out.view()).toString("hex")).toBe("3d0a0004612fc3a90102");
    expect(packetIdPosition(out.view(), 2)).toBe(8);
  });
});

describe("expiry", () => {
  test("[MQTT-3.3.2-5] is what the message came with less the whole seconds it waited", () => {
    const message = {
      topic: topicOf("a"),
      payload: Uint8Array.of(),
      qos: 0,
      retain: false,
      properties: { expiry: 10 },
      origin: { transport: "mqtt", sessionId: "s" },
      receivedAt: 1_000,
      acceptedAt: 1_000,
      offset: 1,
    } as const;
    expect(remainingExpirySeconds(message, 1_000)).toBe(10);
    expect(remainingExpirySeconds(message, 1_999.5)).toBe(10);
    expect(remainingExpirySeconds(message, 2_000)).toBe(9);
    expect(remainingExpirySeconds(message, 10_999)).toBe(1);
    expect(remainingExpirySeconds(message, 11_000)).toBe(0);
    expect(remainingExpirySeconds({ ...message, properties: {} }, 1_000)).toBe(null);
  });
});
