import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { resetConnection } from "./connect.ts";
import type { DriverContext } from "./driver.ts";
import { agentFor } from "./http-exchange.ts";

/** A WebSocket on its way, with what the network under it can be made to do. */
export interface OpenedWebSocket {
  readonly socket: WebSocket;
  readonly reset: () => void;
}

/** Connects a WebSocket with the factors of the run. */
export function openWebSocket(
  context: DriverContext,
  url: string,
  subprotocol: string,
): OpenedWebSocket {
  const { targets, factors } = context;
  const socket = new WebSocket(url, [subprotocol], {
    ...targets.tls,
    // Threshold 0: compression is a factor, so small messages are compressed like large ones.
    perMessageDeflate: factors.compression && {
      threshold: 0,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    },
    ...(targets.proxyUrl === undefined ? {} : { agent: agentFor(url, context, {}) }),
  });
  socket.binaryType = "nodebuffer";
  let network: Socket | null = null;
  socket.on("upgrade", (answer) => {
    network = answer.socket;
  });
  socket.on("open", () => {
    // The library has turned Nagle's algorithm off by now.
    network?.setNoDelay(factors.noDelay);
    if (factors.compression && !socket.extensions.includes("permessage-deflate")) {
      // What the ledger says would not be so.
      socket.emit("error", new Error(`${url} does not offer permessage-deflate`));
    }
  });
  return { socket, reset: () => network !== null && resetConnection(network) };
}
