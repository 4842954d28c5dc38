import { encodeBase64 } from "../wire/base64.ts";
import { isUtf8 } from "../wire/utf8.ts";
import type { Incoming } from "./link.ts";

/** Bytes of one received message as they go to the standard output. */
export type MessageFormat = (message: Incoming) => Uint8Array;

const LINE_END = Buffer.from("\n");

/** The payload as it is, and a line end unless there is none wanted. */
export function payloadFormat(hasLineEnd: boolean): MessageFormat {
  if (!hasLineEnd) return ({ payload }) => payload;
  return ({ payload }) => Buffer.concat([payload, LINE_END]);
}

/** `topic payload`, as `mosquitto_sub -v` prints it. */
export function topicAndPayloadFormat(hasLineEnd: boolean): MessageFormat {
  return ({ topic, payload }) =>
    Buffer.concat([Buffer.from(`${topic} `), payload, ...(hasLineEnd ? [LINE_END] : [])]);
}

/** One JSON object a line, with what the transport told; `encoding` says how to read the payload. */
export const jsonFormat: MessageFormat = (message) => {
  return Buffer.from(`${JSON.stringify(jsonFields(message))}\n`);
};

function jsonFields(message: Incoming) {
  const { topic, payload, qos, isRetained, cursor, contentType, ingress, trace } = message;
  const { userProperties } = message;
  const isText = isUtf8(payload);
  return {
    topic,
    payload: isText
      ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload)
      : encodeBase64(payload),
    encoding: isText ? "utf8" : "base64",
    qos,
    retained: isRetained,
    ...(cursor === null ? {} : { cursor }),
    ...(contentType === null ? {} : { contentType }),
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(ingress === null ? {} : { ingress }),
    ...(trace === undefined ? {} : { trace }),
  };
}

/** What each letter after `%` stands for. */
const FIELDS: Readonly<Record<string, (message: Incoming) => string | Uint8Array>> = {
  t: ({ topic }) => topic,
  p: ({ payload }) => payload,
  x: ({ payload }) => Buffer.from(payload).toString("hex"),
  l: ({ payload }) => String(payload.length),
  q: ({ qos }) => String(qos),
  r: ({ isRetained }) => (isRetained ? "1" : "0"),
  c: ({ cursor }) => cursor ?? "",
  j: (message) => JSON.stringify(jsonFields(message)),
  "%": () => "%",
};

/** The meaning of the letters, for the help. */
export const FORMAT_HELP =
  "%t topic, %p payload, %x payload in hexadecimal, %l its length, %q QoS, %r retained (0 or 1), " +
  "%c cursor, %j JSON, %% percent sign; \\n, \\t and \\\\ as in C";

/**
 * Reads a format as `mosquitto_sub -F` takes it; payload bytes pass unchanged. Throws `RangeError` that
 * names a letter it does not know.
 */
export function parseFormat(text: string, hasLineEnd: boolean): MessageFormat {
  const parts: ((message: Incoming) => string | Uint8Array)[] = [];
  for (const [piece] of text.matchAll(/%.?|\\.?|[^%\\]+/gsu)) {
    if (piece.startsWith("%")) {
      const field = FIELDS[piece.slice(1)];
      if (field === undefined)
        throw new RangeError(`format has ${piece}; known are ${FORMAT_HELP}`);
      parts.push(field);
    } else {
      const literal = ESCAPES[piece] ?? piece;
      parts.push(() => literal);
    }
  }
  if (hasLineEnd) parts.push(() => LINE_END);
  return (message) =>
    Buffer.concat(
      parts.map((part) => {
        const bytes = part(message);
        return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      }),
    );
}

const ESCAPES: Readonly<Record<string, string>> = { "\\n": "\n", "\\t": "\t", "\\\\": "\\" };
