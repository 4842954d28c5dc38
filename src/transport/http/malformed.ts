import type { Socket } from "node:net";
import { GatewayError } from "../../errors.ts";
import { encodeProblem } from "../../wire/problem.ts";
import { problemHeaders } from "../problem-headers.ts";
import type { Connection } from "./connection.ts";

/**
 * Answers bytes that are no HTTP request, or a request that did not arrive in time, and closes the
 * connection: what follows on it cannot be understood any more.
 */
export function refuseMalformed(error: Error & { code?: string }, connection: Connection): void {
  const { isAnswering, socket } = connection;
  // An answer in progress must not have another one written into its middle.
  if (!socket.writable || isAnswering || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  writeRefusal(socket, refusalFor(error));
}

/** Writes a refusal to a socket no request is being answered on, and closes it. */
export function writeRefusal(socket: Socket, error: GatewayError): void {
  const body = encodeProblem(error);
  const headers = problemHeaders(error);
  let head = `HTTP/1.1 ${error.form.http ?? 500} ${error.code}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroySoon());
}

function refusalFor(error: Error & { code?: string }): GatewayError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new GatewayError("too_large", "the request's headers are over their limit", {
        cause: error,
      });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new GatewayError("bad_request", "the request did not arrive in time", {
        cause: error,
      });
    default:
      return new GatewayError("bad_request", "this is not an HTTP/1.1 request", { cause: error });
  }
}
