import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { PACKET_TYPE } from "./packet-types.ts";
import { beginPacket, endPacket } from "./packet-writing.ts";
import { encodeExplained, type Peer } from "./peer.ts";
import type { PropertiesOf } from "./properties.ts";
import { writeProperties } from "./property-writing.ts";
import { connackReturnCode, REASON, type ReasonCode } from "./reason-codes.ts";

/** What CONNACK says (§3.2). */
export interface Connack {
  /** Only with success [MQTT-3.2.2-6]; MQTT 3.1 has no such flag and is not told. */
  readonly sessionPresent: boolean;
  readonly reason: ReasonCode;
  /** For MQTT 5 only. */
  readonly properties: PropertiesOf<"connack">;
}

const FIRST_BYTE = PACKET_TYPE.connack << 4;

/**
 * Writes CONNACK in the form of the peer's version. Returns `false`, with nothing written, when that
 * version has no return code for the reason, or the packet is too large for the peer: the connection
 * is then closed without an answer.
 */
export function encodeConnack(out: ByteWriter, peer: Peer, connack: Connack): boolean {
  const { sessionPresent, reason, properties } = connack;
  const flags = sessionPresent && peer.version !== 3 && reason === REASON.success ? 1 : 0;
  if (peer.version !== 5) {
    const code = connackReturnCode(reason);
    if (code === null) return false;
    out.bytes(Uint8Array.of(FIRST_BYTE, 2, flags, code));
    return true;
  }
  return encodeExplained(peer, (isExplained) => {
    const start = beginPacket(out);
    out.byte(flags);
    out.byte(reason);
    writeProperties<"connack">(out, properties, isExplained);
    return endPacket(out, start, FIRST_BYTE, peer.maxPacketBytes);
  });
}

/** Writes the CONNACK that refuses a connection, and why. Returns as {@link encodeConnack}. */
export function encodeRefusal(
  out: ByteWriter,
  refusal: { readonly peer: Peer; readonly reason: ReasonCode; readonly message: string },
): boolean {
  const { peer, reason, message } = refusal;
  const properties = { reasonString: message };
  return encodeConnack(out, peer, { sessionPresent: false, reason, properties });
}
