import { malformed } from "./packet-error.ts";
import { PACKET_TYPE } from "./packet-types.ts";

/** PINGRESP (§3.13): the same two bytes in every version. */
export const PINGRESP: Uint8Array = Uint8Array.of(PACKET_TYPE.pingresp << 4, 0);

/** Throws {@link PacketError} for a PINGREQ with a body: it has none (§3.12). */
export function checkPingreq(body: number, end: number): void {
  if (body !== end) throw malformed("PINGREQ has a body (§3.12)");
}
