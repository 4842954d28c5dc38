import type { IncomingMessage, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Headers that speak of the connection, and of HTTP/2 over it (RFC 9113 §3.1), not of the request. */
const HOP_HEADERS = new Set(["connection", "upgrade", "http2-settings"]);

/**
 * Serves a request that offers another protocol as if it did not offer it (RFC 9110 §7.8). Clients
 * that would rather speak HTTP/2 offer h2c with every request, and node hands each of these over as
 * an upgrade once anything listens for one: the request is read again, without the offer.
 *
 * @param head what node had read behind the request's headers: its body, or more requests.
 */
export function ignoreUpgrade(
  server: Server | TlsServer,
  request: IncomingMessage,
  socket: Socket,
  head: Uint8Array,
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!HOP_HEADERS.has(name.toLowerCase())) text += `${name}: ${rawHeaders[i + 1]}\r\n`;
  }
  if (/\bclose\b/i.test(request.headers.connection ?? "")) text += "Connection: close\r\n";
  // Headers come byte by byte as Latin-1, and go back as such.
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, "latin1"), head]));
  // What node's own listener of each server waits for.
  server.emit(socket instanceof TLSSocket ? "secureConnection" : "connection", socket);
}

/** Whether a request offers the one protocol that is served here by upgrade. */
export function offersWebSocket(request: IncomingMessage): boolean {
  const offered = request.headers.upgrade ?? "";
  return offered.split(",").some((name) => name.trim().toLowerCase() === "websocket");
}
