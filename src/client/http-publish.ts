import type { Cursor } from "../bus/cursor.ts";
import { GatewayError } from "../errors.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { Fields, parseJson } from "../wire/fields.ts";
import { readCursor } from "../wire/json-message.ts";
import type { PublishMessage } from "./client.ts";
import {
  authorizationHeaders,
  type HttpTarget,
  queryText,
  refusalOf,
  requestUrl,
} from "./http-request.ts";
import type { Accepted } from "./pending-publishes.ts";

/** Publishes one message by `POST /v1/topics/{topic}`. Rejects with the gateway's refusal. */
export async function publishOverHttp(
  target: HttpTarget,
  message: PublishMessage,
  signal?: AbortSignal,
): Promise<Accepted> {
  const answer = await fetch(requestUrl(target, `${topicPath(message.topic)}${options(message)}`), {
    method: "POST",
    headers: headersOf(target, message),
    body: message.payload,
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.status !== 202) throw await refusalOf(answer);
  return readAccepted(await answer.text());
}

function readAccepted(text: string): Accepted {
  const fields = new Fields(parseJson(text, "answer"), "answer");
  const cursor: Cursor = readCursor(fields, "cursor");
  return { cursor, offset: fields.integer("offset") };
}

/**
 * The path of a topic. A URL drops levels of `.` and `..` before they are sent; escaping the slashes
 * too makes them part of one longer level, which it leaves alone.
 */
export function topicPath(topic: string): string {
  if (topic === "." || topic === "..") {
    throw new GatewayError(
      "invalid_topic",
      `a URL cannot carry the topic ${JSON.stringify(topic)}; publish it by another transport`,
    );
  }
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
    headers.append("tributary-user-property", `${name}=${value}`);
  }
  if (properties.responseTopic !== undefined) {
    headers.set("tributary-response-topic", properties.responseTopic);
  }
  if (properties.correlationData !== undefined) {
    headers.set("tributary-correlation-data", encodeBase64(properties.correlationData));
  }
  return headers;
}
