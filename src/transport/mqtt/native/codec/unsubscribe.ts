import type { TopicLimits } from "../../../../bus/topic.ts";
import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { type Explanation, UNEXPLAINED } from "./explanation.ts";
import { parseRequestedFilter, type RequestedFilter } from "./filter-name.ts";
import { protocolError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import { readPacketId } from "./packet-id.ts";
import { PACKET_TYPE, type ProtocolVersion } from "./packet-types.ts";
import { beginPacket, endPacket, writeUint16 } from "./packet-writing.ts";
import { encodeExplained, type Peer } from "./peer.ts";
import type { UserProperties } from "./properties.ts";
import { readProperties } from "./property-reading.ts";
import { writeProperties } from "./property-writing.ts";
import type { ReasonCode } from "./reason-codes.ts";

/** UNSUBSCRIBE (§3.10). */
export interface UnsubscribePacket {
  readonly packetId: number;
  readonly filters: readonly RequestedFilter[];
  readonly userProperties: UserProperties;
}

/**
 * Parses UNSUBSCRIBE; its first byte has been judged by `clientPacketType`. Throws
 * {@link PacketError}; a filter that is text but no filter is marked by its own refusal.
 */
export function parseUnsubscribe(
  bytes: Buffer,
  body: number,
  end: number,
  version: ProtocolVersion,
  limits: TopicLimits,
): UnsubscribePacket {
  const fields = new PacketFields(bytes, body, end);
  const packetId = readPacketId(fields);
  const properties = version === 5 ? readProperties(fields, "unsubscribe") : {};
  if (fields.isAtEnd) throw protocolError("UNSUBSCRIBE names no filter [MQTT-3.10.3-2]");
  const filters: RequestedFilter[] = [];
  while (!fields.isAtEnd) filters.push(parseRequestedFilter(fields.text("filter"), limits));
  return { packetId, filters, userProperties: properties.userProperties ?? [] };
}

const UNSUBACK = PACKET_TYPE.unsuback << 4;

/**
 * Writes UNSUBACK: for MQTT 5 with a code for each filter, in their order [MQTT-3.11.3-1]. Returns
 * `false`, with nothing written, when it is too large for the peer.
 */
export function encodeUnsuback(
  out: ByteWriter,
  peer: Peer,
  packetId: number,
  codes: readonly ReasonCode[],
  explanation: Explanation = UNEXPLAINED,
): boolean {
  return encodeExplained(peer, (isExplained) => {
    const start = beginPacket(out);
    writeUint16(out, packetId);
    if (peer.version === 5) {
      writeProperties<"unsuback">(out, explanation, isExplained);
      for (const code of codes) out.byte(code);
    }
    return endPacket(out, start, UNSUBACK, peer.maxPacketBytes);
  });
}
