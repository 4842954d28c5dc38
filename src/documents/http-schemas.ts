import type { DocumentedConfig } from "./facts.ts";
import { count, type JsonSchema, type NamedSchemas, object, ref } from "./json-schema.ts";

const TEXT: JsonSchema = { type: "string" };

const UNREADY_REASONS: JsonSchema = {
  description: "What stands in the way of being ready; empty when nothing does.",
  type: "array",
  items: object({ name: TEXT, text: TEXT }),
};

const LOG_LEVEL: JsonSchema = {
  description: "The least severe lines that are written.",
  enum: ["silent", "fatal", "error", "warn", "info", "debug", "trace"],
};

const STORE: JsonSchema = object(
  {
    kind: { description: "memory, which has none of the rest, or lmdb.", type: "string" },
    messages: count("Of the log on disk."),
    bytes: count("Of these messages."),
    fileBytes: count("Size of the data file."),
    oldestAcceptedAt: {
      description: "When the oldest of them was accepted, in milliseconds since the Unix epoch.",
      type: ["number", "null"],
    },
    pendingBytes: count("Appended and not yet durable."),
    recoverySeconds: { description: "Time it took to open.", type: "number", minimum: 0 },
    fault: {
      description: "Why it cannot write; null while it can.",
      type: ["object", "null"],
      required: ["kind", "text"],
      properties: {
        kind: { enum: ["full", "read_only", "io", "corrupted", "descriptors", "other"] },
        text: { description: "What happened and what to do.", type: "string" },
      },
    },
  },
  { description: "What outlives the process." },
);

/** The bodies of HTTP answers, problems aside. */
export function httpSchemas({ http }: Pick<DocumentedConfig, "http">): NamedSchemas {
  return {
    Accepted: object(
      { cursor: ref("Cursor"), offset: ref("Offset") },
      { description: "The place of an accepted message." },
    ),
    Bulk: {
      description: "Publish commands; their `type` may be left out. All are accepted, or none.",
      type: "array",
      maxItems: http.maxBulkMessages,
      items: ref("BulkItem"),
    },
    BulkAccepted: object({
      results: {
        description: "One for each command, in the same order.",
        type: "array",
        items: ref("Accepted"),
      },
    }),
    PollPage: object(
      {
        epoch: ref("Epoch"),
        messages: { type: "array", items: ref("Message") },
        cursor: ref("Cursor"),
        upToDate: { description: "Nothing more is in the log now.", type: "boolean" },
      },
      { description: "What came after the cursor asked for; poll again with the one in here." },
    ),
    ...reportSchemas(),
  };
}

/** What operators read. */
function reportSchemas(): NamedSchemas {
  return {
    Live: object({ live: { const: true } }),
    Ready: object({
      ready: { type: "boolean" },
      reasons: UNREADY_REASONS,
    }),
    Status: object({
      version: TEXT,
      ready: { type: "boolean" },
      reasons: UNREADY_REASONS,
      epoch: ref("Epoch"),
      startedAt: ref("Millis"),
      uptimeSeconds: count("Since the start."),
      sessions: count("Clients connected."),
      sessionsByTransport: {
        type: "object",
        propertyNames: ref("TransportName"),
        additionalProperties: count("Clients connected by this transport."),
      },
      subscriptions: count("Subscriptions of all of them."),
      heldPolls: count("Polls held open."),
      streams: count("Event streams open."),
      retainedMessages: count("Topics that hold a retained message."),
      retainedBytes: count("Of their payloads and properties."),
      log: object({
        messages: count("That are kept."),
        bytes: count("Of their payloads and properties."),
        firstOffset: count("The oldest message that is kept."),
        lastOffset: count("The newest message."),
        cursor: ref("Cursor"),
      }),
      store: STORE,
      ...activityFields(),
    }),
    LogLevel: object({ level: LOG_LEVEL }, { isClosed: true }),
    ...listSchemas(),
  };
}

/** What the gateway has been doing lately. */
function activityFields(): Readonly<Record<string, JsonSchema>> {
  const perSecond = (description: string): JsonSchema => ({
    description,
    type: "object",
    additionalProperties: { type: "number" },
  });
  const ms: JsonSchema = { description: "Milliseconds.", type: "number", minimum: 0 };
  return {
    rates: object({
      seconds: { description: "What they are averages over.", type: "number", minimum: 0 },
      received: perSecond("Messages from publishers a second, by transport."),
      delivered: perSecond("Messages to readers a second, by transport."),
      bytes: perSecond("Bytes at the sockets a second, by transport and direction."),
    }),
    latencyMs: {
      description: "How long live deliveries took in the last minute at most, by pair.",
      type: "array",
      items: object({
        ingress: ref("TransportName"),
        egress: ref("TransportName"),
        count: count("Deliveries."),
        p50: ms,
        p95: ms,
        p99: ms,
        max: ms,
      }),
    },
    drops: {
      description: "Messages dropped since the start, by reason.",
      type: "object",
      additionalProperties: count("Messages."),
    },
    eventLoopDelayMs: object({ p50: ms, p99: ms, max: ms }),
    rssBytes: count("Memory of the process."),
  };
}

function listSchemas(): NamedSchemas {
  return {
    Sessions: object({
      count: count("All of them, listed or not."),
      sessions: {
        description: "Oldest first.",
        type: "array",
        items: object({
          id: TEXT,
          transport: ref("TransportName"),
          address: { description: "The peer's IP address.", type: "string" },
          connectedAt: ref("Millis"),
          user: { description: "null when anonymous.", type: ["string", "null"] },
        }),
      },
    }),
    RetainedTopics: object({
      count: count("All of them, listed or not."),
      topics: {
        description: "Topics that hold a retained message, oldest first.",
        type: "array",
        items: object(
          {
            topic: ref("ReceivedTopic"),
            bytes: count("Of its payload."),
            contentType: ref("ContentType"),
            offset: ref("Offset"),
            acceptedAt: ref("Millis"),
          },
          { optional: ["contentType"] },
        ),
      },
    }),
  };
}
