import type { Cursor } from "../bus/cursor.ts";
import { GatewayError } from "../errors.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { encodeBulk } from "../wire/command-request.ts";
import { Fields, parseJson } from "../wire/fields.ts";
import { readCursor } from "../wire/json-message.ts";
import type { PublishMessage } from "./client.ts";
import {
  authorizationHeaders,
  fetchFrom,
  type HttpTarget,
  queryText,
  refusalOf,
  requestUrl,
} from "./http-request.ts";
import type { Accepted } from "./pending-publishes.ts";

/**
 * Publishes one message: by `POST /v1/topics/{topic}`, or by the bulk request where a URL or the headers
 * that `fetch` allows cannot carry it. Rejects with the gateway's refusal.
 */
export async function publishOverHttp(
  target: HttpTarget,
  message: PublishMessage,
  signal?: AbortSignal,
): Promise<Accepted> {
  if (!fitsHeaders(message)) {
    const [accepted] = await publishInBulk(target, [message], signal);
    if (accepted !== undefined) return accepted;
    throw new GatewayError("internal", "the gateway accepted the bulk and named no result");
  }
  const url = requestUrl(target, `${topicPath(message.topic)}${options(message)}`);
  const answer = await fetchFrom(target, url, {
    method: "POST",
    headers: headersOf(target, message),
    body: message.payload,
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.status !== 202) throw await refusalOf(answer);
  return readAccepted(parseJson(await answer.text(), "answer"));
}

/** Publishes messages by `POST /v1/publish`: all are accepted, in order, or none. */
export async function publishInBulk(
  target: HttpTarget,
  messages: readonly PublishMessage[],
  signal?: AbortSignal,
): Promise<Accepted[]> {
  const answer = await fetchFrom(target, requestUrl(target, "/v1/publish"), {
    method: "POST",
    headers: { "content-type": "application/json", ...authorizationHeaders(target) },
    body: encodeBulk(messages),
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.status !== 202) throw await refusalOf(answer);
  const fields = new Fields(parseJson(await answer.text(), "answer"), "answer");
  return fields.array("results").map(readAccepted);
}

function readAccepted(value: unknown): Accepted {
  const fields = new Fields(value, "answer");
  const cursor: Cursor = readCursor(fields, "cursor");
  return { cursor, offset: fields.integer("offset") };
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/**
 * Whether path and headers can carry the message. `fetch` joins headers of one name into one, allows no
 * text beyond Latin-1, and drops a path of `.` or `..`.
 */
function fitsHeaders({ topic, properties = {}, idempotencyKey = "" }: PublishMessage): boolean {
  const { contentType = "", responseTopic = "", userProperties = [] } = properties;
  if (topic === "." || topic === ".." || userProperties.length > 1) return false;
  // A name ends at the first `=`, and space around a header's value is not part of it.
  const [name = "", value = ""] = userProperties[0] ?? [];
  if (name.includes("=")) return false;
  return [contentType, responseTopic, idempotencyKey, name, value].every(
    (text) => PRINTABLE_ASCII.test(text) && text === text.trim(),
  );
}

/**
 * The path of a topic. A URL drops levels of `.` and `..` before they are sent; escaping the slashes
 * too makes them part of one longer level, which it leaves alone.
 */
function topicPath(topic: string): string {
  const levels = topic.split("/");
  const hasDots = levels.some((level) => level === "." || level === "..");
  return `/v1/topics/${levels.map(encodeURIComponent).join(hasDots ? "%2F" : "/")}`;
}

function options(message: PublishMessage): string {
  const pairs: [string, string][] = [];
  if (message.retain === true) pairs.push(["retain", "true"]);
  const expiry = message.properties?.expiry;
  if (expiry !== undefined) pairs.push(["expiry", String(expiry)]);
  return pairs.length === 0 ? "" : `?${queryText(pairs)}`;
}

function headersOf(target: HttpTarget, message: PublishMessage): Headers {
  const headers = new Headers(authorizationHeaders(target));
  const properties = message.properties ?? {};
  if (properties.contentType !== undefined) headers.set("content-type", properties.contentType);
  if (message.idempotencyKey !== undefined) {
    headers.set("idempotency-key", message.idempotencyKey);
  }
  for (const [name, value] of properties.userProperties ?? []) {
    headers.set("tributary-user-property", `${name}=${value}`);
  }
  if (properties.responseTopic !== undefined) {
    headers.set("tributary-response-topic", properties.responseTopic);
  }
  if (properties.correlationData !== undefined) {
    headers.set("tributary-correlation-data", encodeBase64(properties.correlationData));
  }
  return headers;
}
