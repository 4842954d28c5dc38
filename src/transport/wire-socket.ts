import type { Socket } from "node:net";
import type { WireSocket } from "./transport.ts";

/** Node tells of a TLS socket no more than what is inside, so the one below is remembered. */
const below = new WeakMap<Socket, Socket>();

/** Notes which socket carries the bytes of a TLS socket. */
export function noteWireSocket(tlsSocket: Socket, socket: Socket): void {
  below.set(tlsSocket, socket);
}

/** The socket whose bytes are those on the network. */
export function wireSocketOf(socket: Socket): WireSocket {
  return below.get(socket) ?? socket;
}
