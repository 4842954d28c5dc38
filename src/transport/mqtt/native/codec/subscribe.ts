import type { QoS } from "../../../../bus/message.ts";
import type { TopicLimits } from "../../../../bus/topic.ts";
import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { type Explanation, UNEXPLAINED } from "./explanation.ts";
import { parseRequestedFilter, type RequestedFilter } from "./filter-name.ts";
import { malformed, protocolError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import { readPacketId } from "./packet-id.ts";
import { PACKET_TYPE, type ProtocolVersion } from "./packet-types.ts";
import { beginPacket, endPacket, writeUint16 } from "./packet-writing.ts";
import { encodeExplained, type Peer } from "./peer.ts";
import type { UserProperties } from "./properties.ts";
import { readProperties } from "./property-reading.ts";
import { writeProperties } from "./property-writing.ts";
import type { ReasonCode } from "./reason-codes.ts";

/** When retained messages are sent (§3.8.3.1): at each SUBSCRIBE, at a new subscription, never. */
export type RetainHandling = 0 | 1 | 2;

/** One filter of a SUBSCRIBE with its options; each is answered by a code of its own. */
export type SubscriptionRequest = RequestedFilter & {
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
};

/** SUBSCRIBE (§3.8). */
export interface SubscribePacket {
  readonly packetId: number;
  readonly requests: readonly SubscriptionRequest[];
  /** 1…268,435,455; 0 when the client gave none. */
  readonly subscriptionIdentifier: number;
  readonly userProperties: UserProperties;
}

/**
 * Parses SUBSCRIBE; its first byte has been judged by `clientPacketType`. Throws {@link PacketError}.
 * A filter that is text but no filter is not the packet's fault: it is marked by its own refusal.
 */
export function parseSubscribe(
  bytes: Buffer,
  body: number,
  end: number,
  version: ProtocolVersion,
  limits: TopicLimits,
): SubscribePacket {
  const fields = new PacketFields(bytes, body, end);
  const packetId = readPacketId(fields);
  const properties = version === 5 ? readProperties(fields, "subscribe") : {};
  if (fields.isAtEnd) throw protocolError("SUBSCRIBE names no filter [MQTT-3.8.3-2]");
  const requests: SubscriptionRequest[] = [];
  while (!fields.isAtEnd) {
    const filter = parseRequestedFilter(fields.text("filter"), limits);
    requests.push({ ...filter, ...parseOptions(fields.byte(), version, filter) });
  }
  return {
    packetId,
    requests,
    subscriptionIdentifier: properties.subscriptionIdentifiers?.[0] ?? 0,
    userProperties: properties.userProperties ?? [],
  };
}

type SubscriptionOptions = Pick<
  SubscriptionRequest,
  "qos" | "noLocal" | "retainAsPublished" | "retainHandling"
>;

function parseOptions(
  byte: number,
  version: ProtocolVersion,
  { group }: RequestedFilter,
): SubscriptionOptions {
  const reserved = version === 5 ? 0xc0 : 0xfc;
  if ((byte & reserved) !== 0) {
    throw malformed("reserved subscription options are set [MQTT-3.8.3-5]");
  }
  const noLocal = (byte & 0x04) !== 0;
  if (noLocal && group !== null) {
    throw protocolError("no local on a shared subscription [MQTT-3.8.3-4]");
  }
  return {
    qos: smallNumber(byte & 3, "maximum QoS"),
    noLocal,
    retainAsPublished: (byte & 0x08) !== 0,
    retainHandling: smallNumber((byte >> 4) & 3, "retain handling"),
  };
}

function smallNumber(value: number, subject: string): 0 | 1 | 2 {
  if (value === 0 || value === 1 || value === 2) return value;
  throw protocolError(`${subject} of a subscription is 3 (§3.8.3.1)`);
}

const SUBACK = PACKET_TYPE.suback << 4;

/** Before MQTT 5 a filter is refused by this code, whatever the reason (MQTT 3.1.1 §3.9.3). */
const FAILURE = 0x80;

/**
 * Writes SUBACK: a code for each filter, in their order [MQTT-3.8.4-6]; a code of 0x80 or more
 * refuses. Returns `false`, with nothing written, when it is too large for the peer.
 */
export function encodeSuback(
  out: ByteWriter,
  peer: Peer,
  packetId: number,
  codes: readonly ReasonCode[],
  explanation: Explanation = UNEXPLAINED,
): boolean {
  return encodeExplained(peer, (isExplained) => {
    const start = beginPacket(out);
    writeUint16(out, packetId);
    if (peer.version === 5) writeProperties<"suback">(out, explanation, isExplained);
    for (const code of codes) out.byte(peer.version === 5 ? code : Math.min(code, FAILURE));
    return endPacket(out, start, SUBACK, peer.maxPacketBytes);
  });
}
