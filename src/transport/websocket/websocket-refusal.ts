import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { GatewayError } from "../../errors.ts";
import { encodeProblem } from "../../wire/problem.ts";
import { problemHeaders } from "../problem-headers.ts";

/** What would have been right, where the standards ask for it (RFC 6455 §4.4, RFC 9110 §15.5.6). */
const ADVICE: Readonly<Record<number, readonly [name: string, value: string]>> = {
  400: ["Sec-WebSocket-Version", "13"],
  405: ["Allow", "GET, HEAD, OPTIONS"],
};

/** Answers a handshake with a problem (RFC 9457) instead of an upgrade, and closes. */
export function refuseHandshake(socket: Duplex, error: GatewayError): void {
  const status = error.form.http ?? 400;
  const body = encodeProblem(error);
  const headers = [...problemHeaders(error), ...(ADVICE[status] ?? [])];
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  // The peer may keep its side open for ever: once the answer is out, so is the connection.
  socket.once("finish", () => socket.destroy());
  socket.end(head + body);
}
