import type { JsonSchema } from "./json-schema.ts";

/** A header of an answer: what it holds, and whether the answer always has it. */
function header(description: string, schema: JsonSchema, required = true): JsonSchema {
  return { description, required, schema };
}

const fixed = (value: string): JsonSchema => ({ const: value });
const TEXT: JsonSchema = { type: "string" };
const WHOLE: JsonSchema = { type: "integer", minimum: 0 };

/** Headers that answers carry beside those of HTTP's own framing. */
export const ANSWER_HEADERS = {
  Allow: header("The methods there are.", TEXT),
  "Cache-Control": header("Answers are of the moment.", fixed("no-store")),
  "Content-Disposition": header("Browsers save it, and show nothing.", fixed("attachment")),
  "Content-Security-Policy": header("What a browser may do with it: nothing of its own.", TEXT),
  "Retry-After": header("Seconds to wait before the same is tried again.", WHOLE),
  "Sec-WebSocket-Accept": header("Of the handshake (RFC 6455 §4.2.2).", TEXT),
  "Sec-WebSocket-Extensions": header("permessage-deflate, where both want it.", TEXT, false),
  "Sec-WebSocket-Protocol": header("The subprotocol chosen, if any was offered.", TEXT, false),
  "Sec-WebSocket-Version": header("What a handshake must ask for.", fixed("13"), false),
  "Tributary-Cursor": header("What to poll with next.", { $ref: "#/components/schemas/Cursor" }),
  Upgrade: header("The protocol that follows.", fixed("websocket")),
  "WWW-Authenticate": header("How to say who asks: Basic or Bearer.", TEXT),
  "X-Accel-Buffering": header("nginx passes events on at once.", fixed("no")),
  "X-Content-Type-Options": header("The type is what it says.", fixed("nosniff")),
  "Access-Control-Allow-Headers": header("In answer to a preflight.", TEXT, false),
  "Access-Control-Allow-Methods": header("In answer to a preflight.", TEXT, false),
  "Access-Control-Allow-Origin": header("To a page that may use the gateway.", TEXT, false),
  "Access-Control-Expose-Headers": header("To a page that may use the gateway.", TEXT, false),
  "Access-Control-Max-Age": header("In answer to a preflight.", WHOLE, false),
  Vary: header("To a page that may use the gateway.", fixed("Origin"), false),
} as const satisfies Readonly<Record<string, JsonSchema>>;

export type AnswerHeader = keyof typeof ANSWER_HEADERS;

/** What a page of an allowed origin finds on every answer (Fetch §3.2). */
const TO_PAGES: readonly AnswerHeader[] = [
  "Access-Control-Allow-Origin",
  "Access-Control-Expose-Headers",
  "Vary",
];

/** The headers of one answer, each by reference. */
export function headers(...names: readonly AnswerHeader[]): Readonly<Record<string, JsonSchema>> {
  return bareHeaders(...names, ...TO_PAGES);
}

/** The same for answers that no page reads. */
export function bareHeaders(
  ...names: readonly AnswerHeader[]
): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
