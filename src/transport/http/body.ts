import { GatewayError } from "../../errors.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Bytes of a refused body that are read and dropped before the connection is cut. A client that has
 * begun to send reads the refusal only if we go on reading; 16 MiB is a fraction of a second of that.
 */
const LINGER_BYTES = 16_777_216;

/**
 * Reads the body of a request, of at most `maxBytes`, and calls `next` with it once it is complete.
 * A declared length over the limit is refused before anything is read, and nothing past the limit is
 * kept. A client that goes away in between leaves no trace.
 */
export function readBody(
  exchange: Exchange,
  maxBytes: number,
  next: (body: Uint8Array) => void,
): void {
  const { request } = exchange;
  const declared = request.headers["content-length"];
  if (declared !== undefined && Number(declared) > maxBytes) {
    refuseBody(exchange, `body is ${declared} bytes; the limit is ${maxBytes}`);
    return;
  }
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new GatewayError(
      "unsupported_media_type",
      `content encoding ${JSON.stringify(encoding)} is not taken; send the body as it is`,
    );
  }
  if (exchange.expectsContinue) exchange.response.writeContinue();
  let first: Uint8Array | null = null;
  let more: Uint8Array[] | null = null;
  let bytes = 0;
  request.on("data", (chunk: Uint8Array) => {
    const wasWithin = bytes <= maxBytes;
    bytes += chunk.length;
    if (bytes > maxBytes) {
      first = null;
      more = null;
      if (wasWithin) refuseBody(exchange, `body is over ${maxBytes} bytes, which is the limit`);
      return;
    }
    if (first === null) first = chunk;
    else if (more === null) more = [first, chunk];
    else more.push(chunk);
  });
  request.on("end", () => {
    if (bytes > maxBytes) return;
    exchange.attempt(() => next(more === null ? (first ?? EMPTY) : Buffer.concat(more, bytes)));
  });
}

const EMPTY = new Uint8Array(0);

function refuseBody(exchange: Exchange, detail: string): void {
  const { request, connection } = exchange;
  if (exchange.expectsContinue) {
    // The client has not sent the body and, refused, need not: only a new connection is in step again.
    exchange.refuse(new GatewayError("too_large", detail), ["Connection", "close"]);
    return;
  }
  exchange.refuse(new GatewayError("too_large", detail));
  let dropped = 0;
  request.on("data", (chunk: Uint8Array) => {
    dropped += chunk.length;
    if (dropped > LINGER_BYTES) connection.socket.destroy();
  });
}
