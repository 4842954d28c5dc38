import { TRANSPORTS, type TransportName } from "../bus/message.ts";

/** How many transports there are: the length of an array with one cell for each. */
export const TRANSPORT_COUNT = TRANSPORTS.length;

const PLACES = new Map<TransportName, number>(TRANSPORTS.map((name, index) => [name, index]));

/** The cell of a transport in such an array. */
export function placeOf(transport: TransportName): number {
  return PLACES.get(transport) ?? 0;
}

/** The transport whose cell this is. */
export function transportAt(place: number): TransportName {
  return TRANSPORTS[place] ?? "http";
}
