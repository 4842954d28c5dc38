import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { malformed, protocolError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import { PACKET_TYPE, type ProtocolVersion } from "./packet-types.ts";
import { beginPacket, endPacket } from "./packet-writing.ts";
import { encodeExplained, type Peer } from "./peer.ts";
import type { PropertiesOf, UserProperties } from "./properties.ts";
import { readProperties } from "./property-reading.ts";
import { writeProperties } from "./property-writing.ts";
import { isClientReason, REASON, type ReasonCode } from "./reason-codes.ts";

/** DISCONNECT of a client (§3.14). */
export interface DisconnectPacket {
  /** Success, 0x04 to have the will published, or what the client found wrong. */
  readonly reason: ReasonCode;
  /**
   * The session's new expiry; `null` leaves it. When CONNECT asked for 0 and this is not 0, it is a
   * protocol error, which only who knows the session can see (§3.14.2.2.2).
   */
  readonly sessionExpirySeconds: number | null;
  readonly reasonString: string | null;
  readonly userProperties: UserProperties;
}

const PLAIN: DisconnectPacket = {
  reason: REASON.success,
  sessionExpirySeconds: null,
  reasonString: null,
  userProperties: [],
};

/** Parses DISCONNECT, whose first byte `clientPacketType` has judged. Throws {@link PacketError}. */
export function parseDisconnect(
  bytes: Buffer,
  body: number,
  end: number,
  version: ProtocolVersion,
): DisconnectPacket {
  if (body === end) return PLAIN;
  if (version !== 5) throw malformed("DISCONNECT has a body (MQTT 3.1.1 §3.14)");
  const fields = new PacketFields(bytes, body, end);
  const reason = fields.byte();
  if (!isClientReason("disconnect", reason)) {
    throw protocolError(`${reason} is no reason code of a client's DISCONNECT [MQTT-3.14.2-1]`);
  }
  if (fields.isAtEnd) return { ...PLAIN, reason };
  const properties = readProperties(fields, "disconnect");
  fields.expectEnd("DISCONNECT");
  return {
    reason,
    sessionExpirySeconds: properties.sessionExpiry ?? null,
    reasonString: properties.reasonString ?? null,
    userProperties: properties.userProperties ?? [],
  };
}

/** What the server may say in DISCONNECT: no session expiry [MQTT-3.14.2-2]. */
export type DisconnectProperties = Omit<PropertiesOf<"disconnect">, "sessionExpiry">;

const FIRST_BYTE = PACKET_TYPE.disconnect << 4;

/**
 * Writes DISCONNECT to an MQTT 5 client. Returns `false`, with nothing written, for older versions,
 * whose servers have no such packet, and when it is too large for the peer.
 */
export function encodeDisconnect(
  out: ByteWriter,
  peer: Peer,
  reason: ReasonCode,
  properties: DisconnectProperties = {},
): boolean {
  if (peer.version !== 5) return false;
  return encodeExplained(peer, (isExplained) => {
    const start = beginPacket(out);
    out.byte(reason);
    writeProperties<"disconnect">(out, properties, isExplained);
    return endPacket(out, start, FIRST_BYTE, peer.maxPacketBytes);
  });
}
