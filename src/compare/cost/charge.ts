import type { WireCause } from "../comparison-result.ts";
import type { CauseBytes, WireTally } from "./wire-tally.ts";

export const WIRE_CAUSES: readonly WireCause[] = [
  "handshake",
  "framing",
  "envelope",
  "payload",
  "acknowledgement",
  "keepAlive",
];

/** Charges every cause of `bytes`. */
export function chargeAll(tally: WireTally, bytes: CauseBytes): void {
  for (const cause of WIRE_CAUSES) tally.add(cause, bytes[cause]);
}
