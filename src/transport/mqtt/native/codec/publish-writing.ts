import type { MessageDraft, QoS } from "../../../../bus/message.ts";
import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { MAX_REMAINING_LENGTH, PACKET_TYPE } from "./packet-types.ts";
import {
  beginProperties,
  endProperties,
  variableIntegerBytes,
  writeText,
  writeUint16,
  writeVariableInteger,
} from "./packet-writing.ts";
import type { Peer } from "./peer.ts";
import { PROPERTIES } from "./properties.ts";
import {
  writeBinaryProperty,
  writeSubscriptionIdentifier,
  writeTextProperty,
  writeUint32Property,
  writeUserProperties,
} from "./property-writing.ts";

/** What a PUBLISH is made of. */
export type Publication = Pick<MessageDraft, "topic" | "payload" | "properties">;

/** What varies between deliveries of one message. */
export interface PublishForm {
  readonly qos: QoS;
  readonly isDuplicate: boolean;
  readonly isRetained: boolean;
  /** Ignored for QoS 0. */
  readonly packetId: number;
}

/** What varies for MQTT 5 only. */
export interface PublishExtras {
  /** Of all subscriptions that match [MQTT-3.3.4-3]. */
  readonly subscriptionIdentifiers: readonly number[];
  /** 0: none. */
  readonly topicAlias: number;
  /** `false` when the client knows the topic by its alias. */
  readonly isTopicSent: boolean;
  /** Seconds that are left [MQTT-3.3.2-6]; `null`: as the message came. */
  readonly expirySeconds: number | null;
}

/** Nothing beside the message's own properties. */
export const NO_EXTRAS: PublishExtras = {
  subscriptionIdentifiers: [],
  topicAlias: 0,
  isTopicSent: true,
  expirySeconds: null,
};

/**
 * Writes PUBLISH with its payload. Returns the packet's length, or 0, with nothing written, when it
 * is too large for the peer and must not be sent [MQTT-3.1.2-24].
 */
export function encodePublish(
  out: ByteWriter,
  peer: Peer,
  message: Publication,
  form: PublishForm,
  extras: PublishExtras = NO_EXTRAS,
): number {
  const length = encodePublishHead(out, peer, message, form, extras);
  if (length > 0) out.bytes(message.payload);
  return length;
}

/**
 * Writes all of PUBLISH that stands before its payload, which the caller sends next, from wherever
 * it lies. Returns the length of the packet with its payload, or 0 as {@link encodePublish}.
 */
export function encodePublishHead(
  out: ByteWriter,
  peer: Peer,
  message: Publication,
  form: PublishForm,
  extras: PublishExtras = NO_EXTRAS,
): number {
  const { topic, payload } = message;
  const start = out.position;
  // The length is not known before the rest is written; a guess leaves its room, and is mostly right.
  const guessedBytes = variableIntegerBytes(topic.length + payload.length + 5);
  out.reserve(1 + 4);
  out.position = start + 1 + guessedBytes;
  writeText(out, extras.isTopicSent || peer.version !== 5 ? topic : "");
  if (form.qos > 0) writeUint16(out, form.packetId);
  if (peer.version === 5) writePublishProperties(out, message, extras);
  return finish(out, start, guessedBytes, form, payload.length, peer.maxPacketBytes);
}

/** Where the packet id of a PUBLISH of QoS 1 or 2 stands whose variable header begins at `body`. */
export function packetIdPosition(bytes: Uint8Array, body: number): number {
  return body + 2 + (((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0));
}

function finish(
  out: ByteWriter,
  start: number,
  guessedBytes: number,
  form: PublishForm,
  payloadBytes: number,
  maxPacketBytes: number,
): number {
  const body = start + 1 + guessedBytes;
  const headBytes = out.position - body;
  const remaining = headBytes + payloadBytes;
  const lengthBytes = variableIntegerBytes(remaining);
  if (remaining > MAX_REMAINING_LENGTH || 1 + lengthBytes + remaining > maxPacketBytes) {
    out.position = start;
    return 0;
  }
  if (lengthBytes !== guessedBytes) {
    out.reserve(lengthBytes);
    out.buffer.copyWithin(start + 1 + lengthBytes, body, out.position);
  }
  out.buffer[start] = firstByte(form);
  out.position = start + 1;
  writeVariableInteger(out, remaining);
  out.position += headBytes;
  return 1 + lengthBytes + remaining;
}

function firstByte({ qos, isDuplicate, isRetained }: PublishForm): number {
  const flags = (isDuplicate ? 8 : 0) | (qos << 1) | (isRetained ? 1 : 0);
  return (PACKET_TYPE.publish << 4) | flags;
}

function writePublishProperties(
  out: ByteWriter,
  { properties }: Publication,
  { subscriptionIdentifiers, topicAlias, expirySeconds }: PublishExtras,
): void {
  const start = beginProperties(out);
  const { payloadFormat, contentType, responseTopic, correlationData, userProperties } = properties;
  const expiry = expirySeconds ?? properties.expiry;
  if (payloadFormat !== undefined) {
    out.byte(PROPERTIES.payloadFormat.id);
    out.byte(payloadFormat);
  }
  if (expiry !== undefined) writeUint32Property(out, PROPERTIES.messageExpiry.id, expiry);
  if (contentType !== undefined) writeTextProperty(out, PROPERTIES.contentType.id, contentType);
  if (responseTopic !== undefined) {
    writeTextProperty(out, PROPERTIES.responseTopic.id, responseTopic);
  }
  if (correlationData !== undefined) {
    writeBinaryProperty(out, PROPERTIES.correlationData.id, correlationData);
  }
  for (const each of subscriptionIdentifiers) writeSubscriptionIdentifier(out, each);
  if (topicAlias > 0) {
    out.byte(PROPERTIES.topicAlias.id);
    writeUint16(out, topicAlias);
  }
  if (userProperties !== undefined) writeUserProperties(out, userProperties);
  endProperties(out, start);
}
