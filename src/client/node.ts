import { type RawData, WebSocket } from "ws";
import type { OpenSocket } from "./socket.ts";

/** How long a peer may take to answer our goodbye before the connection is cut. */
const GOODBYE_MS = 3_000;
const LOST = 1006;

/** Opens WebSocket connections from Node. Compression is not offered. */
export function nodeWebSocket(url: string, subprotocol: string): OpenSocket {
  return (events) => {
    const socket = new WebSocket(url, [subprotocol], { perMessageDeflate: false });
    let failure = "";
    socket.on("open", () => events.opened());
    socket.on("message", (data: RawData, isBinary: boolean) => {
      const bytes = toBytes(data);
      events.received(isBinary ? bytes : bytes.toString("utf8"));
    });
    socket.on("error", (cause) => {
      failure = cause.message === "" ? cause.name : cause.message;
    });
    socket.on("close", (code, reason) => {
      events.closed(code, code === LOST ? failure : reason.toString("utf8"));
    });
    return {
      send(frame) {
        if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      },
      close(code, reason) {
        socket.close(code, reason);
        const timer = setTimeout(() => socket.terminate(), GOODBYE_MS);
        socket.once("close", () => clearTimeout(timer));
      },
    };
  };
}

function toBytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
