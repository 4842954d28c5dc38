import type { Socket } from "node:net";

/** Resolves when the connection is over, whatever ended it; `once` would reject on a reset. */
export function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
