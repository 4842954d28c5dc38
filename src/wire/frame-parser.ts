import { GatewayError } from "../errors.ts";
import { readCommandId } from "./command-id.ts";
import { readErrorCode } from "./error-code.ts";
import { Fields, parseJson } from "./fields.ts";
import type { ServerFrame } from "./frame.ts";
import { readCursor, readMessage, readPayload } from "./json-message.ts";

const GAP_REASONS = ["epoch", "retention", "store"] as const;
const DROP_REASONS = ["drop_oldest", "keep_latest"] as const;
const PROMISES = ["at-most-once", "at-least-once"] as const;

type FrameType = ServerFrame["type"];
type FrameReaders = {
  readonly [T in FrameType]: (fields: Fields) => Extract<ServerFrame, { type: T }>;
};

const READERS: FrameReaders = {
  welcome: (fields) => ({
    type: "welcome",
    subprotocol: fields.text("subprotocol"),
    sessionId: fields.text("sessionId"),
    epoch: fields.text("epoch"),
    heartbeatSeconds: fields.number("heartbeatSeconds"),
    maxPayloadBytes: fields.integer("maxPayloadBytes"),
  }),
  authenticated: (fields) => ({ type: "authenticated", id: readCommandId(fields) }),
  subscribed: (fields) => ({
    type: "subscribed",
    id: readCommandId(fields),
    filter: fields.text("filter"),
    cursor: readCursor(fields, "cursor"),
    delivery: fields.oneOf("delivery", PROMISES),
    recovered: fields.boolean("recovered"),
  }),
  live: (fields) => ({
    type: "live",
    id: readCommandId(fields),
    cursor: readCursor(fields, "cursor"),
  }),
  message: (fields) => ({
    type: "message",
    message: readMessage(fields, readPayload(fields)),
    subscription: fields.has("subscription") ? readCommandId(fields, "subscription") : null,
  }),
  position: (fields) => ({ type: "position", cursor: readCursor(fields, "cursor") }),
  gap: (fields) => ({
    type: "gap",
    ...(fields.has("filter") ? { filter: fields.text("filter") } : {}),
    from: readCursor(fields, "from"),
    earliest: readCursor(fields, "earliest"),
    reason: fields.oneOf("reason", GAP_REASONS),
  }),
  dropped: (fields) => ({
    type: "dropped",
    filter: fields.text("filter"),
    count: fields.integer("count"),
    first: fields.integer("first"),
    last: fields.integer("last"),
    reason: fields.oneOf("reason", DROP_REASONS),
  }),
  published: (fields) => ({
    type: "published",
    id: readCommandId(fields),
    cursor: readCursor(fields, "cursor"),
    offset: fields.integer("offset"),
  }),
  unsubscribed: (fields) => ({
    type: "unsubscribed",
    id: readCommandId(fields),
    filter: fields.text("filter"),
  }),
  pong: (fields) => ({
    type: "pong",
    id: readCommandId(fields),
    ...(fields.has("sentAt") ? { sentAt: fields.number("sentAt") } : {}),
    now: fields.number("now"),
  }),
  error: (fields) => ({
    type: "error",
    ...(fields.has("id") ? { id: readCommandId(fields) } : {}),
    code: readErrorCode(fields),
    message: fields.text("message"),
    retryable: fields.boolean("retryable"),
  }),
};

/**
 * What the gateway said, for a client. Fields it does not know are ignored, so that a newer gateway
 * may add some; an unknown type or a wrong field throws `bad_request`.
 */
export function parseServerFrame(text: string): ServerFrame {
  const fields = new Fields(parseJson(text, "frame"), "frame");
  const type = fields.text("type");
  if (!isFrameType(type)) throw new GatewayError("bad_request", `unknown frame ${type}`);
  return READERS[type](fields);
}

function isFrameType(type: string): type is FrameType {
  return Object.hasOwn(READERS, type);
}
