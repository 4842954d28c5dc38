/** Protocol level of CONNECT: 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

/** Control packet types: the upper four bits of the first byte (MQTT 5 §2.1.2). */
export const PACKET_TYPE = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** The specification's name of a control packet, in small letters. */
export type PacketName = keyof typeof PACKET_TYPE;

/** One of the values of {@link PACKET_TYPE}. */
export type PacketType = (typeof PACKET_TYPE)[PacketName];

/** The four packets that answer a PUBLISH, in either direction. */
export type AcknowledgementName = "puback" | "pubrec" | "pubrel" | "pubcomp";

/** What a remaining length can say at most: 268,435,455 bytes follow it (MQTT 5 §1.5.5). */
export const MAX_REMAINING_LENGTH = 268_435_455;

/** The largest packet there is: the first byte, four bytes of length, and what these announce. */
export const MAX_PACKET_BYTES = 1 + 4 + MAX_REMAINING_LENGTH;
