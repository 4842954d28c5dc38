import { type ErrorCode, GatewayError } from "../../../../errors.ts";
import { isServerReason, REASON, type ReasonCode, reasonFor } from "./reason-codes.ts";

/**
 * A packet that ends its connection. MQTT 5 says why with `reason` in DISCONNECT, or in CONNACK
 * before the connection is accepted (§4.13); the older versions close without a word.
 */
export class PacketError extends GatewayError {
  readonly reason: ReasonCode;

  constructor(reason: ReasonCode, message: string) {
    super(CODES.get(reason) ?? "bad_request", message);
    this.name = "PacketError";
    this.reason = reason;
  }
}

const CODES: ReadonlyMap<ReasonCode, ErrorCode> = new Map<ReasonCode, ErrorCode>([
  [REASON.packetTooLarge, "too_large"],
  [REASON.topicNameInvalid, "invalid_topic"],
  [REASON.topicFilterInvalid, "invalid_filter"],
]);

/** The bytes cannot be read as the packet they claim to be (MQTT 5 §1.2, "Malformed Packet"). */
export function malformed(message: string): PacketError {
  return new PacketError(REASON.malformedPacket, message);
}

/** Readable, but not allowed here or at all (MQTT 5 §1.2, "Protocol Error"). */
export function protocolError(message: string): PacketError {
  return new PacketError(REASON.protocolError, message);
}

/** The reason code of the DISCONNECT that ends a connection for a refusal of any kind. */
export function disconnectReason(error: GatewayError): ReasonCode {
  const isOwn = error instanceof PacketError && isServerReason("disconnect", error.reason);
  return isOwn ? error.reason : reasonFor("disconnect", error.code);
}
