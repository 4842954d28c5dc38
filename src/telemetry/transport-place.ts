import { TRANSPORTS, type TransportName } from "../bus/message.ts";

/** How many transports there are: the length of an array with one cell for each. */
export const TRANSPORT_COUNT = TRANSPORTS.length;

/** The cell of a transport in such an array. Seven comparisons of the same strings beat a hash. */
export function placeOf(transport: TransportName): number {
  return TRANSPORTS.indexOf(transport);
}

/** The transport whose cell this is. */
export function transportAt(place: number): TransportName {
  return TRANSPORTS[place] ?? "http";
}
