import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { GatewayError } from "../../errors.ts";
import { encodeProblem, PROBLEM_CONTENT_TYPE } from "../../wire/problem.ts";

/** Headers that tell the client what would have been right; RFC 9110 §15.5.2, §15.5.6 demand two. */
const ADVICE: Readonly<Record<number, string>> = {
  400: "Sec-WebSocket-Version: 13\r\n",
  401: 'WWW-Authenticate: Basic realm="tributary", Bearer\r\n',
  405: "Allow: GET\r\n",
  429: "Retry-After: 1\r\n",
  503: "Retry-After: 1\r\n",
};

/** Answers a handshake with a problem (RFC 9457) instead of an upgrade, and closes. */
export function refuseHandshake(socket: Duplex, error: GatewayError): void {
  const status = error.form.http ?? 400;
  const body = encodeProblem(error);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Connection: close",
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${ADVICE[status] ?? ""}\r\n`,
  ].join("\r\n");
  // The peer may keep its side open for ever: once the answer is out, so is the connection.
  socket.once("finish", () => socket.destroy());
  socket.end(head + body);
}
