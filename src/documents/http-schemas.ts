import type { DocumentedConfig } from "./facts.ts";
import { count, type JsonSchema, type NamedSchemas, object, ref } from "./json-schema.ts";

const TEXT: JsonSchema = { type: "string" };

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
      reasons: {
        description: "What stands in the way; empty when nothing does.",
        type: "array",
        items: object({ name: TEXT, text: TEXT }),
      },
    }),
    Status: object({
      version: TEXT,
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
      log: object({
        firstOffset: count("The oldest message that is kept."),
        lastOffset: count("The newest message."),
        cursor: ref("Cursor"),
      }),
    }),
    ...listSchemas(),
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
