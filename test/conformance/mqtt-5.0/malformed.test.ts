import { conformance } from "../../support/mqtt/conformance.ts";
import { expectDisconnect, FAULTY } from "../../support/mqtt/expect-ended.ts";
import { type Property, properties } from "../../support/mqtt/properties.ts";
import { field, packet, uint16 } from "../../support/mqtt/wire-bytes.ts";

const ID = uint16(1);
const NONE = properties([]);
const OPTIONS = Buffer.of(0);
const A = field("a");
const MALFORMED = [0x81] as const;
const PROTOCOL_ERROR = [0x82] as const;

/** A PUBLISH of QoS 0 with these properties. */
function publishWith(...list: Property[]): Buffer {
  return packet(0x30, A, properties(list));
}

/** A SUBSCRIBE with this options byte. */
function subscribeWith(filter: string, options: number, ...list: Property[]): Buffer {
  return packet(0x82, ID, properties(list), field(filter), Buffer.of(options));
}

type Case = readonly [title: string, bytes: Buffer, reasons: readonly number[]];

const FRAMING: readonly Case[] = [
  ["[MQTT-2.1.3-1] PINGREQ with flags", Buffer.of(0xc1, 0), FAULTY],
  ["[MQTT-2.1.3-1] PUBACK with flags", packet(0x42, ID), FAULTY],
  ["[MQTT-2.1.3-1] PUBREC with flags", packet(0x51, ID), FAULTY],
  ["[MQTT-2.1.3-1] PUBCOMP with flags", packet(0x72, ID), FAULTY],
  ["[MQTT-3.6.1-1] PUBREL with flags 0000", packet(0x60, ID), MALFORMED],
  ["[MQTT-3.8.1-1] SUBSCRIBE with flags 0000", packet(0x80, ID, NONE, A, OPTIONS), MALFORMED],
  ["[MQTT-3.10.1-1] UNSUBSCRIBE with flags 0000", packet(0xa0, ID, NONE, A), MALFORMED],
  ["[MQTT-3.14.1-1] DISCONNECT with flags", Buffer.of(0xe1, 0), MALFORMED],
  ["[MQTT-3.15.1-1] AUTH with flags", Buffer.of(0xf1, 0), FAULTY],
  ["[MQTT-4.13.1-1] the reserved packet type 0", packet(0x00), FAULTY],
  ["[MQTT-4.13.1-1] CONNACK, which only servers send", packet(0x20, Buffer.of(0, 0, 0)), FAULTY],
  ["[MQTT-4.13.1-1] SUBACK, which only servers send", packet(0x90, ID, NONE, OPTIONS), FAULTY],
  ["[MQTT-4.13.1-1] UNSUBACK, which only servers send", packet(0xb0, ID, NONE, OPTIONS), FAULTY],
  ["[MQTT-4.13.1-1] PINGRESP, which only servers send", packet(0xd0), FAULTY],
  ["[MQTT-4.13.1-1] PINGREQ with a body", packet(0xc0, Buffer.of(0)), FAULTY],
  [
    "[MQTT-1.5.5-1] a remaining length of five bytes",
    Buffer.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01),
    MALFORMED,
  ],
  [
    "[MQTT-1.5.5-1] a property length in more bytes than it needs",
    packet(0x30, A, Buffer.of(0x80, 0x00)),
    MALFORMED,
  ],
  ["[MQTT-4.13.1-1] a property length beyond the packet", packet(0x30, A, Buffer.of(9)), MALFORMED],
  ["[MQTT-4.13.1-1] an unknown property", packet(0x30, A, Buffer.of(2, 0x7e, 0)), MALFORMED],
  ["[MQTT-4.13.1-1] a property cut short", packet(0x30, A, Buffer.of(2, 0x02, 0)), MALFORMED],
  ["[MQTT-4.13.1-1] a property of CONNECT in PUBLISH", publishWith(["receiveMaximum", 1]), FAULTY],
  ["[MQTT-2.2.2-1] SUBSCRIBE without a property length", packet(0x82, ID), FAULTY],
];

const PUBLISH: readonly Case[] = [
  ["[MQTT-2.2.1-3] PUBLISH of QoS 1 with packet id 0", packet(0x32, A, uint16(0), NONE), FAULTY],
  ["[MQTT-2.2.1-3] PUBLISH of QoS 2 with packet id 0", packet(0x34, A, uint16(0), NONE), FAULTY],
  ["[MQTT-3.3.1-2] PUBLISH of QoS 0 with DUP", packet(0x38, A, NONE), FAULTY],
  ["[MQTT-3.3.1-4] PUBLISH of QoS 3", packet(0x36, A, ID, NONE), MALFORMED],
  [
    "[MQTT-3.3.2-2] [MQTT-4.7.0-1] PUBLISH to +",
    packet(0x30, field("a/+"), NONE),
    [...FAULTY, 0x90],
  ],
  ["[MQTT-3.3.2-2] [MQTT-4.7.0-1] PUBLISH to #", packet(0x30, field("#"), NONE), [...FAULTY, 0x90]],
  ["[MQTT-4.7.3-1] PUBLISH with neither topic nor alias", packet(0x30, field(""), NONE), FAULTY],
  ["[MQTT-3.3.2-8] topic alias 0", publishWith(["topicAlias", 0]), [0x94]],
  ["[MQTT-3.3.2-14] a response topic with +", publishWith(["responseTopic", "a/+"]), FAULTY],
  ["[MQTT-3.3.2-14] a response topic with #", publishWith(["responseTopic", "#"]), FAULTY],
  ["[MQTT-3.3.4-6] a subscription identifier", publishWith(["subscriptionIdentifier", 1]), FAULTY],
  ["[MQTT-4.13.1-1] payload format 2", publishWith(["payloadFormat", 2]), FAULTY],
  ["[MQTT-4.13.1-1] expiry twice", publishWith(["messageExpiry", 1], ["messageExpiry", 1]), FAULTY],
  ["[MQTT-4.13.1-1] topic alias twice", publishWith(["topicAlias", 1], ["topicAlias", 1]), FAULTY],
  [
    "[MQTT-4.13.1-1] content type twice",
    publishWith(["contentType", "a"], ["contentType", "a"]),
    FAULTY,
  ],
];

const OTHERS: readonly Case[] = [
  ["[MQTT-2.2.1-3] SUBSCRIBE with packet id 0", packet(0x82, uint16(0), NONE, A, OPTIONS), FAULTY],
  ["[MQTT-2.2.1-3] UNSUBSCRIBE with packet id 0", packet(0xa2, uint16(0), NONE, A), FAULTY],
  ["[MQTT-3.8.3-2] SUBSCRIBE without a filter", packet(0x82, ID, NONE), FAULTY],
  [
    "[MQTT-3.8.3-4] no-local on a shared subscription",
    subscribeWith("$share/g/a", 4),
    PROTOCOL_ERROR,
  ],
  ["[MQTT-3.8.3-5] reserved option bit 6", subscribeWith("a", 0x40), MALFORMED],
  ["[MQTT-3.8.3-5] reserved option bit 7", subscribeWith("a", 0x80), MALFORMED],
  ["[MQTT-4.13.1-1] SUBSCRIBE asking for QoS 3", subscribeWith("a", 3), FAULTY],
  ["[MQTT-4.13.1-1] retain handling 3", subscribeWith("a", 0x30), FAULTY],
  [
    "[MQTT-4.13.1-1] subscription identifier 0",
    subscribeWith("a", 0, ["subscriptionIdentifier", 0]),
    FAULTY,
  ],
  [
    "[MQTT-4.13.1-1] two subscription identifiers",
    subscribeWith("a", 0, ["subscriptionIdentifier", 1], ["subscriptionIdentifier", 2]),
    FAULTY,
  ],
  ["[MQTT-4.13.1-1] SUBSCRIBE whose last filter has no options", packet(0x82, ID, NONE, A), FAULTY],
  ["[MQTT-3.10.3-2] UNSUBSCRIBE without a filter", packet(0xa2, ID, NONE), FAULTY],
  ["[MQTT-4.13.1-1] PUBACK of one byte", packet(0x40, Buffer.of(0)), FAULTY],
  ["[MQTT-4.13.1-1] PUBACK with packet id 0", packet(0x40, uint16(0)), FAULTY],
  ["[MQTT-4.13.1-1] PUBACK with an unknown code", packet(0x40, ID, Buffer.of(0x01, 0)), FAULTY],
  ["[MQTT-4.13.1-1] PUBREL without a packet id", packet(0x62), FAULTY],
  ["[MQTT-4.13.1-1] DISCONNECT with an unknown code", packet(0xe0, Buffer.of(0x05, 0)), FAULTY],
  ["[MQTT-4.13.1-1] DISCONNECT with the server's code 0x8E", packet(0xe0, Buffer.of(0x8e)), FAULTY],
  [
    "[MQTT-4.13.1-1] DISCONNECT that gives a session an expiry it was opened without",
    packet(0xe0, Buffer.of(0), properties([["sessionExpiry", 5]])),
    PROTOCOL_ERROR,
  ],
  ["[MQTT-3.15.2-1] AUTH with an unknown code", packet(0xf0, Buffer.of(0x01, 0)), FAULTY],
  ["[MQTT-4.12.0-7] AUTH without a method in CONNECT", packet(0xf0, Buffer.of(0x19, 0)), FAULTY],
];

conformance("5.0", (rule, broker) => {
  for (const [title, bytes, reasons] of [...FRAMING, ...PUBLISH, ...OTHERS]) {
    const codes = reasons.map((reason) => `0x${reason.toString(16)}`).join(" or ");
    rule(`${title} gets DISCONNECT ${codes} and the end, and nobody else does`, async () => {
      const other = await broker.connected();
      const client = await broker.connected();
      client.send(bytes);
      await expectDisconnect(client, ...reasons);
      await other.settled();
    });
  }
});
