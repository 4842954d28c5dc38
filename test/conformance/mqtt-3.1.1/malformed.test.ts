import { conformance } from "../../support/mqtt/conformance.ts";
import { field, packet, uint16 } from "../../support/mqtt/wire-bytes.ts";

const ID = uint16(1);
const QOS_0 = Buffer.of(0);

/** Packets no client may send on an open connection; each closes it without an answer. */
const MALFORMED: readonly (readonly [title: string, bytes: Buffer])[] = [
  ["[MQTT-2.2.2-1] [MQTT-2.2.2-2] PINGREQ with flag 1", Buffer.of(0xc1, 0)],
  ["[MQTT-2.2.2-2] PINGREQ with flag 8", Buffer.of(0xc8, 0)],
  ["[MQTT-2.2.2-2] PUBACK with flags", packet(0x42, ID)],
  ["[MQTT-2.2.2-2] PUBREC with flags", packet(0x51, ID)],
  ["[MQTT-2.2.2-2] PUBCOMP with flags", packet(0x72, ID)],
  ["[MQTT-3.6.1-1] PUBREL with flags 0000", packet(0x60, ID)],
  ["[MQTT-3.6.1-1] PUBREL with flags 0011", packet(0x63, ID)],
  ["[MQTT-3.8.1-1] SUBSCRIBE with flags 0000", packet(0x80, ID, field("a"), QOS_0)],
  ["[MQTT-3.8.1-1] SUBSCRIBE with flags 1010", packet(0x8a, ID, field("a"), QOS_0)],
  ["[MQTT-3.10.1-1] UNSUBSCRIBE with flags 0000", packet(0xa0, ID, field("a"))],
  ["[MQTT-3.10.1-1] UNSUBSCRIBE with flags 0110", packet(0xa6, ID, field("a"))],
  ["[MQTT-3.14.1-1] DISCONNECT with flags", Buffer.of(0xe1, 0)],
  ["[MQTT-2.3.1-1] PUBLISH of QoS 1 with packet id 0", packet(0x32, field("a"), uint16(0))],
  ["[MQTT-2.3.1-1] PUBLISH of QoS 2 with packet id 0", packet(0x34, field("a"), uint16(0))],
  ["[MQTT-2.3.1-1] SUBSCRIBE with packet id 0", packet(0x82, uint16(0), field("a"), QOS_0)],
  ["[MQTT-2.3.1-1] UNSUBSCRIBE with packet id 0", packet(0xa2, uint16(0), field("a"))],
  ["[MQTT-3.3.1-2] PUBLISH of QoS 0 with DUP", packet(0x38, field("a"))],
  ["[MQTT-3.3.1-4] PUBLISH of QoS 3", packet(0x36, field("a"), ID)],
  ["[MQTT-3.3.2-2] [MQTT-4.7.1-1] PUBLISH to a topic with +", packet(0x30, field("a/+"))],
  ["[MQTT-3.3.2-2] [MQTT-4.7.1-1] PUBLISH to a topic with #", packet(0x30, field("a/#"))],
  ["[MQTT-4.7.3-1] PUBLISH to an empty topic", packet(0x30, field(""))],
  ["[MQTT-4.8.0-1] PUBLISH whose topic is longer than the packet", packet(0x30, uint16(9))],
  ["[MQTT-4.8.0-1] PUBLISH of QoS 1 that ends before its packet id", packet(0x32, field("a"))],
  ["[MQTT-3.8.3-3] SUBSCRIBE without a filter", packet(0x82, ID)],
  ["[MQTT-3.8.3-4] SUBSCRIBE asking for QoS 3", packet(0x82, ID, field("a"), Buffer.of(3))],
  ["[MQTT-3.8.3-4] SUBSCRIBE with a reserved bit", packet(0x82, ID, field("a"), Buffer.of(4))],
  ["[MQTT-3.8.3-4] SUBSCRIBE with the highest bit", packet(0x82, ID, field("a"), Buffer.of(0x80))],
  ["[MQTT-4.8.0-1] SUBSCRIBE whose last filter has no QoS", packet(0x82, ID, field("a"))],
  ["[MQTT-3.10.3-2] UNSUBSCRIBE without a filter", packet(0xa2, ID)],
  ["[MQTT-3.10.3-1] UNSUBSCRIBE with bytes between", packet(0xa2, ID, field("a"), Buffer.of(0))],
  ["[MQTT-4.8.0-1] PUBACK of one byte", packet(0x40, Buffer.of(0))],
  ["[MQTT-4.8.0-1] PUBACK of three bytes", packet(0x40, ID, Buffer.of(0))],
  ["[MQTT-4.8.0-1] PUBREL without a packet id", packet(0x62)],
  ["[MQTT-4.8.0-1] PINGREQ with a body", packet(0xc0, Buffer.of(0))],
  ["[MQTT-4.8.0-1] DISCONNECT with a body", packet(0xe0, Buffer.of(0))],
  ["[MQTT-4.8.0-1] CONNACK, which only servers send", packet(0x20, Buffer.of(0, 0))],
  ["[MQTT-4.8.0-1] SUBACK, which only servers send", packet(0x90, ID, Buffer.of(0))],
  ["[MQTT-4.8.0-1] UNSUBACK, which only servers send", packet(0xb0, ID)],
  ["[MQTT-4.8.0-1] PINGRESP, which only servers send", packet(0xd0)],
  ["[MQTT-4.8.0-1] the reserved packet type 0", packet(0x00)],
  ["[MQTT-4.8.0-1] the reserved packet type 15", packet(0xf0)],
  [
    "[MQTT-4.8.0-1] a remaining length of five bytes",
    Buffer.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01),
  ],
];

conformance("3.1.1", (rule, broker) => {
  for (const [title, bytes] of MALFORMED) {
    rule(`${title} closes the connection, and no other`, async () => {
      const other = await broker.connected();
      const client = await broker.connected();
      client.send(bytes);
      await client.closed();
      await other.settled();
    });
  }
});
