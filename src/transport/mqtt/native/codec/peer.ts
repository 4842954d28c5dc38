import { MAX_PACKET_BYTES, type ProtocolVersion } from "./packet-types.ts";

/** What a client's CONNECT says about the packets it takes. */
export interface Peer {
  readonly version: ProtocolVersion;
  /** Bytes of a whole packet that it takes at most [MQTT-3.1.2-24]. */
  readonly maxPacketBytes: number;
  /** Whether refusals may be explained to it by reason string and user properties [MQTT-3.1.2-29]. */
  readonly wantsProblems: boolean;
}

/** A client of a version of which nothing else is known. */
export function peerOf(version: ProtocolVersion): Peer {
  return { version, maxPacketBytes: MAX_PACKET_BYTES, wantsProblems: true };
}

/**
 * Encodes with the explanation, and without it when the client wants none or the packet would be too
 * large for it [MQTT-3.2.2-19] [MQTT-3.4.2-2] [MQTT-3.14.2-3]. Returns whether anything was written.
 */
export function encodeExplained(peer: Peer, encode: (isExplained: boolean) => boolean): boolean {
  return (peer.wantsProblems && encode(true)) || encode(false);
}
