import { TRANSPORTS, type TransportName } from "../bus/message.ts";

/** How many transports there are: the length of an array with one cell for each. */
export const TRANSPORT_COUNT = TRANSPORTS.length;

/** How many levels of QoS there are. */
export const QOS_COUNT = 3;

/** The cell of a transport in such an array. Seven comparisons of the same strings beat a hash. */
export function placeOf(transport: TransportName): number {
  return TRANSPORTS.indexOf(transport);
}

/** The transport whose cell this is. */
export function transportAt(place: number): TransportName {
  return TRANSPORTS[place] ?? "http";
}

/** The cell of a pair in an array with one for each. */
export function pairPlaceOf(ingress: TransportName, egress: TransportName): number {
  return placeOf(ingress) * TRANSPORT_COUNT + placeOf(egress);
}

/** The pair whose cell this is. */
export function pairAt(place: number): { ingress: TransportName; egress: TransportName } {
  const ingress = transportAt(Math.floor(place / TRANSPORT_COUNT));
  return { ingress, egress: transportAt(place % TRANSPORT_COUNT) };
}
