import type { ErrorCode } from "../errors.ts";
import type { DocumentedConfig } from "./facts.ts";
import { headers } from "./http-headers.ts";
import { type JsonSchema, type Part, ref } from "./json-schema.ts";
import {
  headOf,
  json,
  jsonContent,
  type OperationTraits,
  operation,
  optionsOf,
  queryParameter,
  requestHeader,
} from "./openapi-operation.ts";

const TAG = "messages";
const CURSOR = "k3v9x2m1q8zz-2s";

const BYTES: Part = { "*/*": {} };

const PUBLISH_CODES: readonly ErrorCode[] = [
  "invalid_topic",
  "unsupported_media_type",
  "idempotency_in_progress",
  "idempotency_mismatch",
  "rate_limited",
  "store_unavailable",
  "draining",
];

/** The paths by which messages are published and read. */
export function messagePaths(config: DocumentedConfig): Readonly<Record<string, Part>> {
  const retained = retainedTraits();
  return {
    "/v1/topics/{topic}": {
      parameters: [TOPIC_PARAMETER],
      get: operation(retained),
      head: headOf(retained),
      post: operation(publishTraits(config)),
      delete: operation(clearTraits()),
      options: optionsOf("topic", TAG),
    },
    "/v1/publish": {
      post: operation(bulkTraits(config)),
      options: optionsOf("bulk", TAG),
    },
    "/v1/poll": {
      get: operation(pollTraits(config)),
      options: optionsOf("poll", TAG),
    },
    "/v1/stream": {
      get: operation(streamTraits(config)),
      options: optionsOf("stream", TAG),
    },
  };
}

const TOPIC_PARAMETER: Part = {
  name: "topic",
  in: "path",
  required: true,
  description:
    "All of the rest of the path is the topic, percent-decoded once as UTF-8: `/` and `%2F` are " +
    "the same, and neither dot segments nor double slashes are taken out.",
  schema: ref("Topic"),
};

function retainedTraits(): OperationTraits {
  return {
    id: "retained",
    tag: TAG,
    summary: "The retained message of a topic, raw",
    codes: ["invalid_topic", "not_found"],
    answers: {
      200: {
        description:
          "The payload as it was published; its content type only where that is a media type.",
        headers: headers(
          "Cache-Control",
          "Content-Disposition",
          "Content-Security-Policy",
          "X-Content-Type-Options",
        ),
        content: BYTES,
      },
    },
  };
}

function publishTraits({ limits }: DocumentedConfig): OperationTraits {
  const text: JsonSchema = { type: "string" };
  return {
    id: "publish",
    tag: TAG,
    summary: "Publish a message",
    description: "It is published at QoS 1: 202 is sent once it is accepted.",
    parameters: [
      queryParameter("retain", "Whether it becomes the topic's retained message.", {
        type: "boolean",
        default: false,
      }),
      queryParameter("expiry", "Seconds until it is delivered to nobody any more.", ref("Expiry")),
      requestHeader(
        "Idempotency-Key",
        "Repeated with it, the message is accepted once.",
        ref("IdempotencyKey"),
      ),
      {
        ...requestHeader("Tributary-User-Property", "`name=value`; may be repeated.", {
          type: "string",
          pattern: "=",
        }),
        example: "unit=celsius",
      },
      requestHeader("Tributary-Response-Topic", "Where an answer is expected.", ref("Topic")),
      requestHeader(
        "Tributary-Correlation-Data",
        "Bytes that name the request, in base64.",
        ref("CorrelationData"),
      ),
      requestHeader("Content-Encoding", "`identity` or absent.", { ...text, const: "identity" }),
    ],
    body: {
      description: `The payload as it is, of at most ${limits.maxPayloadBytes} bytes; its \`Content-Type\` travels with it.`,
      content: BYTES,
    },
    codes: PUBLISH_CODES,
    answers: {
      202: {
        description: "Accepted.",
        headers: headers(),
        content: jsonContent("Accepted", { cursor: CURSOR, offset: 100 }),
      },
    },
  };
}

function clearTraits(): OperationTraits {
  return {
    id: "clear",
    tag: TAG,
    summary: "Clear the retained message of a topic",
    description: "The same as publishing an empty retained message.",
    codes: PUBLISH_CODES.filter((code) => code !== "unsupported_media_type"),
    answers: { 204: { description: "Cleared, or there was none.", headers: headers() } },
  };
}

function bulkTraits({ http }: DocumentedConfig): OperationTraits {
  return {
    id: "publishBulk",
    tag: TAG,
    summary: "Publish many messages, all or none",
    isBulk: true,
    body: {
      required: true,
      description: `At most ${http.maxBulkMessages} commands in ${http.maxBulkBytes} bytes.`,
      content: jsonContent("Bulk", [
        { topic: "plant/hall1/temperature", payload: "21.5", retain: true },
        { topic: "plant/hall1/frame", payload: "AAEC/w==", encoding: "base64" },
      ]),
    },
    codes: PUBLISH_CODES,
    answers: {
      202: json("Accepted.", "BulkAccepted", { results: [{ cursor: CURSOR, offset: 100 }] }),
    },
  };
}

function filterParameter({ limits }: DocumentedConfig): Part {
  return queryParameter(
    "filter",
    "What to read; a message that several match comes once. `+` and `#` have to be " +
      "percent-encoded in a query where a client takes them for something else.",
    { type: "array", minItems: 1, maxItems: limits.maxFiltersPerRequest, items: ref("Filter") },
    { required: true, style: "form", explode: true },
  );
}

function pollTraits(config: DocumentedConfig): OperationTraits {
  const { poll } = config.http;
  return {
    id: "poll",
    tag: TAG,
    summary: "What came after a cursor, or what comes next",
    isPoll: true,
    parameters: [
      filterParameter(config),
      queryParameter("cursor", "What the poll before ended with.", ref("Start")),
      queryParameter(
        "timeout",
        `Seconds to hold the poll while nothing is there, ${poll.maxHoldMs / 1_000} at most; it ` +
          `may end up to ${poll.jitterMs / 1_000} s early. 0 never holds.`,
        {
          type: "number",
          minimum: 0,
          exclusiveMaximum: 1_000_000_000,
          default: poll.defaultHoldMs / 1_000,
        },
      ),
      queryParameter("max", `Messages in one answer, ${poll.maxMessages} at most.`, {
        type: "integer",
        minimum: 1,
        maximum: 999_999_999_999_999,
        default: poll.defaultMessages,
      }),
      queryParameter("retained", "Retained messages first; only with a start at now.", {
        type: "boolean",
        default: false,
      }),
    ],
    codes: ["invalid_filter", "gap", "draining"],
    answers: {
      200: json("Messages, in order.", "PollPage", {
        epoch: "k3v9x2m1q8zz",
        messages: [],
        cursor: CURSOR,
        upToDate: true,
      }),
      204: {
        description: "Nothing came; poll again with the cursor.",
        headers: headers("Tributary-Cursor", "Cache-Control"),
      },
    },
  };
}

function streamTraits(config: DocumentedConfig): OperationTraits {
  const { positionIntervalMs } = config.http.stream;
  return {
    id: "stream",
    tag: TAG,
    summary: "Messages as server-sent events",
    parameters: [
      filterParameter(config),
      queryParameter("cursor", "Where to begin.", ref("Start")),
      queryParameter("retained", "Retained messages first; only with a start at now.", {
        type: "boolean",
        default: true,
      }),
      requestHeader(
        "Last-Event-ID",
        "The cursor of the last event; beats `cursor`.",
        ref("Cursor"),
      ),
    ],
    codes: ["invalid_filter", "draining"],
    answers: {
      200: {
        description:
          "Blocks of `text/event-stream` (WHATWG HTML §9.2): `id` is a cursor; `event: message` " +
          "carries a message, `event: gap` tells what is missing; a block of an `id` alone moves " +
          `the position on at least every ${positionIntervalMs / 1_000} s. The AsyncAPI document has the schemas.`,
        headers: headers("Cache-Control", "X-Accel-Buffering", "X-Content-Type-Options"),
        content: { "text/event-stream": { schema: { type: "string" } } },
      },
    },
  };
}
