import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { protocolError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import { PACKET_TYPE } from "./packet-types.ts";
import { beginPacket, endPacket } from "./packet-writing.ts";
import { encodeExplained, type Peer } from "./peer.ts";
import type { PropertiesOf, UserProperties } from "./properties.ts";
import { readProperties } from "./property-reading.ts";
import { writeProperties } from "./property-writing.ts";
import { isClientReason, type REASON, type ReasonCode } from "./reason-codes.ts";

/** AUTH of a client (§3.15): MQTT 5 only. */
export interface AuthPacket {
  /** 0x18 goes on with an exchange, 0x19 begins one anew. */
  readonly reason: ReasonCode;
  /** Must be the method of CONNECT [MQTT-4.12.0-5], which only who knows that can see. */
  readonly method: string;
  readonly data: Uint8Array | null;
  readonly reasonString: string | null;
  readonly userProperties: UserProperties;
}

/** Parses AUTH, whose first byte `clientPacketType` has judged. Throws {@link PacketError}. */
export function parseAuth(bytes: Buffer, body: number, end: number): AuthPacket {
  // Without a body it means success, which is the server's to say (§3.15.2.1).
  if (body === end) throw protocolError("AUTH of a client says success [MQTT-3.15.2-1]");
  const fields = new PacketFields(bytes, body, end);
  const reason = fields.byte();
  if (!isClientReason("auth", reason)) {
    throw protocolError(`${reason} is no reason code of a client's AUTH [MQTT-3.15.2-1]`);
  }
  const properties = readProperties(fields, "auth");
  fields.expectEnd("AUTH");
  const { authenticationMethod, authenticationData, reasonString, userProperties } = properties;
  if (authenticationMethod === undefined) {
    throw protocolError("AUTH names no authentication method (§3.15.2.2.2)");
  }
  return {
    reason,
    method: authenticationMethod,
    data: authenticationData ?? null,
    reasonString: reasonString ?? null,
    userProperties: userProperties ?? [],
  };
}

/** Reason codes a server's AUTH may carry [MQTT-3.15.2-1]. */
export type ServerAuthReason = typeof REASON.success | typeof REASON.continueAuthentication;

/** Writes AUTH; returns `false`, with nothing written, when it is too large for the peer. */
export function encodeAuth(
  out: ByteWriter,
  peer: Peer,
  reason: ServerAuthReason,
  properties: PropertiesOf<"auth">,
): boolean {
  return encodeExplained(peer, (isExplained) => {
    const start = beginPacket(out);
    out.byte(reason);
    writeProperties<"auth">(out, properties, isExplained);
    return endPacket(out, start, PACKET_TYPE.auth << 4, peer.maxPacketBytes);
  });
}
