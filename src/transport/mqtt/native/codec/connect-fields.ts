import { type MessageProperties, NO_PROPERTIES, type QoS } from "../../../../bus/message.ts";
import type { Topic, TopicLimits } from "../../../../bus/topic.ts";
import { messageProperties } from "./message-properties.ts";
import { malformed } from "./packet-error.ts";
import type { PacketFields } from "./packet-fields.ts";
import type { ProtocolVersion } from "./packet-types.ts";
import { readProperties } from "./property-reading.ts";
import { topicOf } from "./topic-names.ts";

/** The message a client leaves to be published when its connection ends without DISCONNECT. */
export interface Will {
  readonly topic: Topic;
  /** Bytes of its own. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  /** Seconds between the connection's end and the will (§3.1.3.2.2). */
  readonly delaySeconds: number;
}

/** The byte of CONNECT that says which fields follow (§3.1.2.3). */
export interface ConnectFlags {
  readonly clean: boolean;
  readonly hasWill: boolean;
  readonly willQos: QoS;
  readonly willRetain: boolean;
  readonly hasUser: boolean;
  readonly hasPassword: boolean;
}

/** Throws {@link PacketError} for combinations the version forbids. */
export function parseConnectFlags(byte: number, version: ProtocolVersion): ConnectFlags {
  const hasWill = (byte & 0x04) !== 0;
  const hasUser = (byte & 0x80) !== 0;
  const hasPassword = (byte & 0x40) !== 0;
  // MQTT 3.1 does not use bit 0 and says nothing of its value.
  if ((byte & 0x01) !== 0 && version !== 3) {
    throw malformed("the reserved CONNECT flag is set [MQTT-3.1.2-3]");
  }
  if (!hasWill && (byte & 0x38) !== 0) {
    throw malformed("will QoS or retain without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]");
  }
  if (hasPassword && !hasUser && version !== 5) {
    throw malformed("password without user name (MQTT 3.1.1) [MQTT-3.1.2-22]");
  }
  return {
    clean: (byte & 0x02) !== 0,
    hasWill,
    willQos: willQosOf((byte >> 3) & 3),
    willRetain: (byte & 0x20) !== 0,
    hasUser,
    hasPassword,
  };
}

function willQosOf(value: number): QoS {
  if (value === 0 || value === 1 || value === 2) return value;
  throw malformed("will QoS is 3 [MQTT-3.1.2-12]");
}

/** Reads properties, topic and payload of the will (§3.1.3.2 to §3.1.3.4). */
export function parseWill(
  fields: PacketFields,
  flags: ConnectFlags,
  version: ProtocolVersion,
  limits: TopicLimits,
): Will {
  const sent = version === 5 ? readProperties(fields, "will") : null;
  const text = fields.text("will topic");
  const payload = fields.binary();
  return {
    topic: topicOf(text, limits),
    payload,
    qos: flags.willQos,
    retain: flags.willRetain,
    properties: sent === null ? NO_PROPERTIES : messageProperties(sent),
    delaySeconds: sent?.willDelay ?? 0,
  };
}

/**
 * A text that the flags announce. MQTT 3.1 puts the length above the flags: what is missing at the
 * end counts as not announced (MQTT 3.1 §3.1, "User Name and Password").
 */
export function announcedText(
  fields: PacketFields,
  isAnnounced: boolean,
  version: ProtocolVersion,
  subject: string,
): string | null {
  return isAnnounced && !isMissing(fields, version) ? fields.text(subject) : null;
}

/** The same for bytes. */
export function announcedBinary(
  fields: PacketFields,
  isAnnounced: boolean,
  version: ProtocolVersion,
): Uint8Array | null {
  return isAnnounced && !isMissing(fields, version) ? fields.binary() : null;
}

function isMissing(fields: PacketFields, version: ProtocolVersion): boolean {
  return version === 3 && fields.isAtEnd;
}
