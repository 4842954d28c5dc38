import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { type Explanation, UNEXPLAINED } from "./explanation.ts";
import { malformed, protocolError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import { type AcknowledgementName, PACKET_TYPE, type ProtocolVersion } from "./packet-types.ts";
import { beginPacket, endPacket, writeUint16 } from "./packet-writing.ts";
import { encodeExplained, type Peer } from "./peer.ts";
import { readProperties } from "./property-reading.ts";
import { writeProperties } from "./property-writing.ts";
import { isClientReason, REASON, type ReasonCode } from "./reason-codes.ts";

/**
 * Reads PUBACK, PUBREC, PUBREL and PUBCOMP (§3.4 to §3.7) without making an object: its fields hold
 * the last one that was read.
 */
export class AcknowledgementReader {
  packetId = 0;
  /** Success before MQTT 5, which alone has others. */
  reason: ReasonCode = REASON.success;
  reasonString: string | null = null;

  /** Reads one whose first byte `clientPacketType` has judged. Throws {@link PacketError}. */
  read(
    bytes: Buffer,
    name: AcknowledgementName,
    body: number,
    end: number,
    version: ProtocolVersion,
  ): void {
    const length = end - body;
    if (length < 2) throw malformed(`${name} ends before its packet id`);
    this.packetId = ((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0);
    if (this.packetId === 0) throw protocolError(`packet id of ${name} is 0 [MQTT-2.2.1-3]`);
    this.reason = REASON.success;
    this.reasonString = null;
    // Most are this short: the code may be left out when it is success (§3.4.2.1).
    if (length === 2) return;
    if (version !== 5) throw malformed(`${name} is longer than its packet id`);
    this.#readReason(new PacketFields(bytes, body + 2, end), name);
  }

  #readReason(fields: PacketFields, name: AcknowledgementName): void {
    const reason = fields.byte();
    if (!isClientReason(name, reason)) {
      throw protocolError(`${reason} is no reason code of a client's ${name} [MQTT-3.4.2-1]`);
    }
    this.reason = reason;
    if (fields.isAtEnd) return;
    this.reasonString = readProperties(fields, name).reasonString ?? null;
    fields.expectEnd(name);
  }
}

/** First bytes; PUBREL alone has a flag set [MQTT-3.6.1-1]. */
const FIRST_BYTES: Readonly<Record<AcknowledgementName, number>> = {
  puback: PACKET_TYPE.puback << 4,
  pubrec: PACKET_TYPE.pubrec << 4,
  pubrel: (PACKET_TYPE.pubrel << 4) | 2,
  pubcomp: PACKET_TYPE.pubcomp << 4,
};

/** Bytes of an acknowledgement that says nothing but success. */
const SHORT_ACKNOWLEDGEMENT_BYTES = 4;

/**
 * Writes an acknowledgement. Before MQTT 5 it is the packet id alone, whatever the reason. Returns
 * `false`, with nothing written, when even the bare reason is too large for the peer.
 */
export function encodeAcknowledgement(
  out: ByteWriter,
  peer: Peer,
  name: AcknowledgementName,
  packetId: number,
  reason: ReasonCode = REASON.success,
  explanation: Explanation = UNEXPLAINED,
): boolean {
  const isShort = peer.version !== 5 || (reason === REASON.success && explanation === UNEXPLAINED);
  if (isShort) return encodeShort(out, peer, FIRST_BYTES[name], packetId);
  return encodeExplained(peer, (isExplained) => {
    if (!isExplained && reason === REASON.success) {
      return encodeShort(out, peer, FIRST_BYTES[name], packetId);
    }
    const start = beginPacket(out);
    writeUint16(out, packetId);
    out.byte(reason);
    if (isExplained) writeProperties<AcknowledgementName>(out, explanation, true);
    return endPacket(out, start, FIRST_BYTES[name], peer.maxPacketBytes);
  });
}

function encodeShort(out: ByteWriter, peer: Peer, firstByte: number, packetId: number): boolean {
  if (peer.maxPacketBytes < SHORT_ACKNOWLEDGEMENT_BYTES) return false;
  out.reserve(SHORT_ACKNOWLEDGEMENT_BYTES);
  const { buffer, position } = out;
  buffer[position] = firstByte;
  buffer[position + 1] = 2;
  buffer[position + 2] = packetId >> 8;
  buffer[position + 3] = packetId & 0xff;
  out.position = position + SHORT_ACKNOWLEDGEMENT_BYTES;
  return true;
}
