import type { IncomingMessage } from "node:http";
import { type MessageProperties, NO_PROPERTIES } from "../../bus/message.ts";
import { parseTopic, type TopicLimits } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import { decodeBase64 } from "../../wire/base64.ts";

const USER_PROPERTY = "tributary-user-property";

/**
 * The properties a publish request carries in its headers, with the expiry of its query. Throws
 * `bad_request` for a value that is not what its header promises, and `invalid_topic`.
 */
export function propertiesOf(
  request: IncomingMessage,
  expiry: number | undefined,
  limits: TopicLimits,
): MessageProperties {
  const { headers } = request;
  const contentType = headers["content-type"];
  const responseTopic = headers["tributary-response-topic"];
  const correlation = headers["tributary-correlation-data"];
  const hasUserProperties = headers[USER_PROPERTY] !== undefined;
  if (
    contentType === undefined &&
    responseTopic === undefined &&
    correlation === undefined &&
    expiry === undefined &&
    !hasUserProperties
  ) {
    return NO_PROPERTIES;
  }
  return {
    ...(contentType === undefined ? {} : { contentType: headerText("Content-Type", contentType) }),
    ...(hasUserProperties ? { userProperties: userProperties(request.rawHeaders) } : {}),
    ...(responseTopic === undefined
      ? {}
      : { responseTopic: parseTopic(text("Tributary-Response-Topic", responseTopic), limits) }),
    ...(correlation === undefined ? {} : { correlationData: correlationData(correlation) }),
    ...(expiry === undefined ? {} : { expiry }),
  };
}

/** Names and values in the order they were sent; node joins repeated headers, so it is read raw. */
function userProperties(rawHeaders: readonly string[]): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    const value = rawHeaders[i + 1];
    if (name === undefined || value === undefined || name.toLowerCase() !== USER_PROPERTY) continue;
    const property = headerText("Tributary-User-Property", value);
    const equals = property.indexOf("=");
    if (equals < 0) {
      throw new GatewayError(
        "bad_request",
        `header Tributary-User-Property ${JSON.stringify(property.slice(0, 60))} has no "="; send name=value`,
      );
    }
    found.push([property.slice(0, equals), property.slice(equals + 1)]);
  }
  return found;
}

function correlationData(value: string | string[]): Uint8Array {
  const decoded = decodeBase64(text("Tributary-Correlation-Data", value));
  if (decoded !== null) return decoded;
  throw new GatewayError("bad_request", "header Tributary-Correlation-Data is not base64");
}

function text(name: string, value: string | string[]): string {
  if (typeof value !== "string") {
    throw new GatewayError("bad_request", `header ${name} is given ${value.length} times`);
  }
  return headerText(name, value);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a header: UTF-8, which node hands over byte by byte as Latin-1. */
function headerText(name: string, value: string): string {
  let isAscii = true;
  for (let i = 0; i < value.length && isAscii; i += 1) isAscii = value.charCodeAt(i) < 0x80;
  if (isAscii) return value;
  try {
    return utf8.decode(Buffer.from(value, "latin1"));
  } catch (cause) {
    throw new GatewayError("bad_request", `header ${name} is not UTF-8`, { cause });
  }
}
