import {
  type Message,
  type MessageDraft,
  NO_PROPERTIES,
  type Origin,
  type QoS,
  TRANSPORTS,
} from "../../bus/message.ts";
import type { Topic } from "../../bus/topic.ts";
import { decodeProperties, encodeProperties } from "./property-codec.ts";
import { CorruptedError } from "./store-fault.ts";

/**
 * One message on disk. Numbers are little-endian.
 *
 * 0 flags · 1 transport · 2 bytes of session id (u16) · 4 topic number (u32) · 8 offset (f64) ·
 * 16 receivedAt (f64) · 24 acceptedAt (f64) · 32 bytes of properties (u32) · 36 of payload (u32) ·
 * 40 session id, properties, payload.
 */
export const RECORD_HEADER_BYTES = 40;

const QOS_BITS = 3;
const RETAIN_FLAG = 4;
const MAX_SESSION_ID_BYTES = 65_535;

/** A message whose variable parts are encoded, ready to be copied into a chunk. */
export interface EncodedParts {
  readonly sessionId: Uint8Array;
  readonly properties: Uint8Array;
}

/** A message as it stands on disk: its topic is a number. */
export interface StoredRecord {
  readonly topicId: number;
  readonly offset: number;
  toMessage(topic: Topic): Message;
}

/** Origins are shared by the messages of a session: each is encoded once. */
const encodedOrigins = new WeakMap<Origin, Uint8Array>();

export function encodeParts({ origin, properties }: MessageDraft): EncodedParts {
  let sessionId = encodedOrigins.get(origin);
  if (sessionId === undefined) {
    sessionId = Buffer.from(origin.sessionId).subarray(0, MAX_SESSION_ID_BYTES);
    encodedOrigins.set(origin, sessionId);
  }
  return { sessionId, properties: encodeProperties(properties) };
}

/** Bytes the message takes in a chunk. */
export function recordBytes(draft: MessageDraft, parts: EncodedParts): number {
  const { sessionId, properties } = parts;
  return RECORD_HEADER_BYTES + sessionId.length + properties.length + draft.payload.length;
}

/** What a message has beside its draft. */
export interface Place {
  readonly offset: number;
  readonly acceptedAt: number;
  readonly topicId: number;
}

/** Writes a record at `at`; there is room for {@link recordBytes}. */
export function writeRecord(
  target: { readonly bytes: Buffer; readonly view: DataView },
  at: number,
  draft: MessageDraft,
  { sessionId, properties }: EncodedParts,
  { offset, acceptedAt, topicId }: Place,
): void {
  const { bytes, view } = target;
  bytes[at] = draft.qos | (draft.retain ? RETAIN_FLAG : 0);
  bytes[at + 1] = TRANSPORTS.indexOf(draft.origin.transport);
  view.setUint16(at + 2, sessionId.length, true);
  view.setUint32(at + 4, topicId, true);
  view.setFloat64(at + 8, offset, true);
  view.setFloat64(at + 16, draft.receivedAt, true);
  view.setFloat64(at + 24, acceptedAt, true);
  view.setUint32(at + 32, properties.length, true);
  view.setUint32(at + 36, draft.payload.length, true);
  let end = at + RECORD_HEADER_BYTES;
  bytes.set(sessionId, end);
  end += sessionId.length;
  if (properties.length > 0) bytes.set(properties, end);
  bytes.set(draft.payload, end + properties.length);
}

/** When the message of the record at `at` was accepted. */
export function acceptedAtOf(view: DataView, at: number): number {
  return view.getFloat64(at + 24, true);
}

/** Where the record at `at` ends. Throws {@link CorruptedError} when it is not within `limit`. */
export function recordEnd(view: DataView, at: number, limit: number): number {
  if (at + RECORD_HEADER_BYTES > limit) throw new CorruptedError("a logged message is cut off");
  const sizes =
    view.getUint16(at + 2, true) + view.getUint32(at + 32, true) + view.getUint32(at + 36, true);
  const end = at + RECORD_HEADER_BYTES + sizes;
  if (end > limit) throw new CorruptedError("a logged message is cut off");
  return end;
}

/**
 * Reads the record at `at`, which is known to be whole. The payload is a view of `bytes`, or its own
 * bytes with `isCopy`.
 */
export function readRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  isCopy: boolean,
): StoredRecord {
  const flags = bytes[at] ?? 0;
  const sessionIdAt = at + RECORD_HEADER_BYTES;
  const propertiesAt = sessionIdAt + view.getUint16(at + 2, true);
  const payloadAt = propertiesAt + view.getUint32(at + 32, true);
  const end = payloadAt + view.getUint32(at + 36, true);
  const offset = view.getFloat64(at + 8, true);
  const transport = TRANSPORTS[bytes[at + 1] ?? 0] ?? "http";
  const sessionId = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
    "utf8",
    sessionIdAt,
    propertiesAt,
  );
  const properties =
    propertiesAt === payloadAt
      ? NO_PROPERTIES
      : decodeProperties(bytes.subarray(propertiesAt, payloadAt));
  const found = bytes.subarray(payloadAt, end);
  const payload = isCopy ? new Uint8Array(found) : found;
  const receivedAt = view.getFloat64(at + 16, true);
  const acceptedAt = acceptedAtOf(view, at);
  return {
    topicId: view.getUint32(at + 4, true),
    offset,
    toMessage: (topic) => ({
      offset,
      topic,
      payload,
      qos: (flags & QOS_BITS) as QoS,
      retain: (flags & RETAIN_FLAG) !== 0,
      properties,
      origin: { transport, sessionId },
      receivedAt,
      acceptedAt,
    }),
  };
}
