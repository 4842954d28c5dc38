import { parser } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { type Level, PacketWriter } from "../support/mqtt/packets.ts";
import { Properties, type Property, properties } from "../support/mqtt/properties.ts";
import { readPacket } from "../support/mqtt/received.ts";
import { FieldCursor } from "../support/mqtt/wire-bytes.ts";

/** What a foreign parser makes of the bytes. */
function parsed(level: Level, bytes: Buffer): unknown {
  const packets: unknown[] = [];
  const foreign = parser({ protocolVersion: level });
  foreign.on("packet", (packet) => packets.push(packet));
  foreign.on("error", (error) => {
    throw error;
  });
  foreign.parse(bytes);
  expect(packets).toHaveLength(1);
  return packets[0];
}

describe.each([4, 5] as const)(
  "a client of level %i writes what a foreign parser reads",
  (level) => {
    const write = new PacketWriter(level);
    const user: Property[] = [["userProperty", ["k", "v"]]];

    test("CONNECT with everything", () => {
      const will = { topic: "w", payload: "x", qos: 2, retain: true, properties: user };
      const bytes = write.connect({
        clientId: "c",
        clean: false,
        keepAlive: 30,
        will,
        user: "u",
        password: "p",
        properties: [["sessionExpiry", 70_000]],
      });
      expect(parsed(level, bytes)).toMatchObject({
        cmd: "connect",
        protocolVersion: level,
        clientId: "c",
        clean: false,
        keepalive: 30,
        username: "u",
        will: { topic: "w", qos: 2, retain: true },
        ...(level === 5 ? { properties: { sessionExpiryInterval: 70_000 } } : {}),
      });
    });

    test("PUBLISH, SUBSCRIBE, UNSUBSCRIBE and PUBREL", () => {
      const fields = { qos: 1, dup: true, packetId: 300, properties: user };
      expect(parsed(level, write.publish("t", "x".repeat(200), fields))).toMatchObject({
        cmd: "publish",
        topic: "t",
        qos: 1,
        dup: true,
        messageId: 300,
      });
      expect(parsed(level, write.subscribe(2, [["a/+", 2]]))).toMatchObject({
        subscriptions: [{ topic: "a/+", qos: 2 }],
      });
      expect(parsed(level, write.unsubscribe(3, ["a", "b"]))).toMatchObject({
        unsubscriptions: ["a", "b"],
      });
      expect(parsed(level, write.acknowledge("pubrel", 9))).toMatchObject({
        cmd: "pubrel",
        messageId: 9,
      });
    });
  },
);

test("options of a subscription stand in their bits", () => {
  const wish = { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 };
  const packet = parsed(5, new PacketWriter(5).subscribe(1, [["a", wish]]));
  expect(packet).toMatchObject({ subscriptions: [{ qos: 1, nl: true, rap: true, rh: 2 }] });
});

test("properties are read back as they were written, in order, repeated ones too", () => {
  const list: Property[] = [
    ["userProperty", ["b", "1"]],
    ["payloadFormat", 1],
    ["userProperty", ["a", "\uFEFF2"]],
    ["subscriptionIdentifier", 268_435_455],
    ["messageExpiry", 4_294_967_295],
    ["receiveMaximum", 65_535],
    ["correlationData", Buffer.of(0, 255)],
  ];
  expect(Properties.read(new FieldCursor(properties(list))).list).toEqual(list);
});

describe("what no server may send is an error of the test", () => {
  test.each([
    ["QoS 3", 0x36, [0, 1, 97, 0, 1]],
    ["QoS 0 with DUP", 0x38, [0, 1, 97, 0]],
    ["packet id 0", 0x40, [0, 0]],
    ["flags", 0x41, [0, 1]],
    ["a packet of clients", 0x82, [0, 1, 0]],
    ["bytes behind the fields", 0xd0, [0]],
    ["text that is not UTF-8", 0x30, [0, 1, 0xff, 0]],
    ["an unknown property", 0x30, [0, 1, 97, 2, 0x7e, 0]],
    ["a property length in too many bytes", 0x30, [0, 1, 97, 0x80, 0]],
  ])("%s", (_what, first, body) => {
    const bytes = Buffer.from(body);
    expect(() => readPacket(5, first, bytes, bytes.length + 2)).toThrow();
  });
});
