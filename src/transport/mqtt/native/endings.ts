import type { GatewayError } from "../../../errors.ts";
import type { ByteWriter } from "../../../wire/byte-writer.ts";
import { encodeConnack } from "./codec/connack.ts";
import { encodeDisconnect } from "./codec/disconnect.ts";
import { disconnectReason, PacketError } from "./codec/packet-error.ts";
import type { Peer } from "./codec/peer.ts";
import { isServerReason, REASON, type ReasonCode, reasonFor } from "./codec/reason-codes.ts";

/**
 * Writes the CONNACK that refuses a client. Returns `false`, with nothing written, when its version
 * has no words for the reason.
 */
export function encodeRefusedConnect(
  out: ByteWriter,
  peer: Peer,
  error: GatewayError,
  serverReference: string,
): boolean {
  const redirected = redirection(error, serverReference);
  const reason = redirected === null ? connackReason(error) : REASON.useAnotherServer;
  const properties = { ...redirected, reasonString: error.message };
  return encodeConnack(out, peer, { sessionPresent: false, reason, properties });
}

/** Writes the DISCONNECT that ends a connection; `false` before MQTT 5, which has none. */
export function encodeFarewell(
  out: ByteWriter,
  peer: Peer,
  error: GatewayError,
  serverReference: string,
): boolean {
  const redirected = redirection(error, serverReference);
  const reason = redirected === null ? disconnectReason(error) : REASON.useAnotherServer;
  return encodeDisconnect(out, peer, reason, { ...redirected, reasonString: error.message });
}

/** A gateway that stops may name another server to go to (MQTT 5 §4.11). */
function redirection(
  { code }: GatewayError,
  serverReference: string,
): { readonly serverReference: string } | null {
  return code === "draining" && serverReference !== "" ? { serverReference } : null;
}

function connackReason(error: GatewayError): ReasonCode {
  const isOwn = error instanceof PacketError && isServerReason("connack", error.reason);
  return isOwn ? error.reason : reasonFor("connack", error.code);
}
