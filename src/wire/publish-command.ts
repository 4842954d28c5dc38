import type { MessageProperties } from "../bus/message.ts";
import { parseTopic, type Topic, type TopicLimits } from "../bus/topic.ts";
import { GatewayError } from "../errors.ts";
import { encodeBase64, maxDecodedBytes } from "./base64.ts";
import type { CommandId } from "./command-id.ts";
import type { Fields } from "./fields.ts";
import { readPayload, readProperties } from "./json-message.ts";
import { jsonLine } from "./json-string.ts";
import { isUtf8 } from "./utf8.ts";

/** Bounds of what a command may carry. */
export interface CommandLimits extends TopicLimits {
  readonly maxPayloadBytes: number;
}

/** A message offered by a client. */
export interface PublishCommand {
  readonly type: "publish";
  /** `null`: QoS 0, and nothing is answered but a refusal. */
  readonly id: CommandId | null;
  readonly topic: Topic;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  /** `null` when it has none. */
  readonly properties: MessageProperties | null;
  readonly idempotencyKey: string | null;
}

/** Printable ASCII, so that a key may stand in a header, a log and a store as it is. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const PROPERTY_FIELDS = [
  "contentType",
  "expiry",
  "userProperties",
  "responseTopic",
  "correlationData",
] as const;

/** Fields of a publish whose payload is carried apart, as a binary frame does. */
export const PUBLISH_HEADER_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "id",
  "topic",
  "retain",
  "idempotencyKey",
  ...PROPERTY_FIELDS,
]);

/** Fields of a publish whose payload is among them. */
export const PUBLISH_FIELDS: ReadonlySet<string> = new Set([
  ...PUBLISH_HEADER_FIELDS,
  "payload",
  "encoding",
]);

/** Reads a publish whose payload is among its fields. The caller has read `type` and `id`. */
export function readPublish(
  fields: Fields,
  id: CommandId | null,
  limits: CommandLimits,
): PublishCommand {
  fields.only(PUBLISH_FIELDS);
  checkPayloadText(fields, limits);
  return readParts(fields, id, readPayload(fields), limits);
}

/** Reads a publish whose payload came apart from its fields. */
export function readPublishHeader(
  fields: Fields,
  id: CommandId | null,
  payload: Uint8Array,
  limits: CommandLimits,
): PublishCommand {
  fields.only(PUBLISH_HEADER_FIELDS);
  return readParts(fields, id, payload, limits);
}

function readParts(
  fields: Fields,
  id: CommandId | null,
  payload: Uint8Array,
  limits: CommandLimits,
): PublishCommand {
  const topic = parseTopic(fields.text("topic"), limits);
  if (payload.length > limits.maxPayloadBytes) throw tooLarge(payload.length, limits);
  const properties = PROPERTY_FIELDS.some((name) => fields.has(name))
    ? readProperties(fields)
    : null;
  const responseTopic = properties?.responseTopic;
  if (responseTopic !== undefined) parseTopic(responseTopic, limits);
  const idempotencyKey = fields.optionalText("idempotencyKey") ?? null;
  if (idempotencyKey !== null && !isIdempotencyKey(idempotencyKey)) {
    throw fields.fault("idempotencyKey", "1 to 255 printable ASCII characters");
  }
  return {
    type: "publish",
    id,
    topic,
    payload,
    retain: fields.flag("retain", false),
    properties,
    idempotencyKey,
  };
}

/** Whether the text may be an idempotency key. */
export function isIdempotencyKey(text: string): boolean {
  return IDEMPOTENCY_KEY.test(text);
}

/** Refuses text too long for any payload within the limit before it is decoded. */
function checkPayloadText(fields: Fields, limits: CommandLimits): void {
  const text = fields.text("payload");
  // Two padding characters at most make the bytes fewer than the characters allow.
  const least =
    fields.raw("encoding") === "base64" ? maxDecodedBytes(text.length) - 2 : text.length;
  if (least > limits.maxPayloadBytes) throw tooLarge(least, limits);
}

function tooLarge(bytes: number, limits: CommandLimits): GatewayError {
  return new GatewayError(
    "too_large",
    `payload is at least ${bytes} bytes; the limit is ${limits.maxPayloadBytes}`,
  );
}

/** What a client says to publish; absent fields take the gateway's defaults. */
export interface PublishRequest {
  readonly id?: CommandId;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain?: boolean;
  readonly properties?: MessageProperties;
  readonly idempotencyKey?: string;
}

/** The publish command as JSON text: payload as text where it is UTF-8, as base64 elsewhere. */
export function encodePublish(request: PublishRequest): string {
  const { payload } = request;
  const isText = isUtf8(payload);
  return jsonLine({
    ...publishFields(request),
    payload: isText ? decoder.decode(payload) : encodeBase64(payload),
    ...(isText ? {} : { encoding: "base64" }),
  });
}

/** All fields of a publish but its payload, in the form they have on the wire. */
export function publishFields(request: PublishRequest): Readonly<Record<string, unknown>> {
  const { correlationData, payloadFormat: _, ...properties } = request.properties ?? {};
  return {
    type: "publish",
    ...(request.id === undefined ? {} : { id: request.id }),
    topic: request.topic,
    ...(request.retain === true ? { retain: true } : {}),
    ...properties,
    ...(correlationData === undefined ? {} : { correlationData: encodeBase64(correlationData) }),
    ...(request.idempotencyKey === undefined ? {} : { idempotencyKey: request.idempotencyKey }),
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
