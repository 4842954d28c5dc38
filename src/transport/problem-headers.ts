import type { GatewayError } from "../errors.ts";
import { PROBLEM_CONTENT_TYPE } from "../wire/problem.ts";

/** Seconds a client should wait before it repeats a refused request that may succeed later. */
const RETRY_AFTER_SECONDS = 1;

const CHALLENGES = ['Basic realm="tributary", charset="UTF-8"', 'Bearer realm="tributary"'];

/**
 * The headers that go with a problem document, names and values in turn: the same whether a request
 * or a WebSocket handshake is refused.
 */
export function problemHeaders(error: GatewayError): string[] {
  const headers = [
    "Content-Type",
    PROBLEM_CONTENT_TYPE,
    "Cache-Control",
    "no-store",
    "X-Content-Type-Options",
    "nosniff",
  ];
  if (error.form.retryable) headers.push("Retry-After", String(RETRY_AFTER_SECONDS));
  if (error.code === "unauthenticated") {
    for (const challenge of CHALLENGES) headers.push("WWW-Authenticate", challenge);
  }
  return headers;
}
