import { type JsonSchema, type Part, ref } from "./json-schema.ts";

const CURSOR = "k3v9x2m1q8zz-2s";

const MESSAGE = {
  topic: "plant/hall1/temperature",
  payload: "21.5",
  encoding: "utf8",
  qos: 1,
  cursor: CURSOR,
  ingress: "mqtt",
  acceptedAt: 1_700_000_000_000.125,
};

/** Commands, by the name of their message: what it says, its schema, an example. */
const COMMANDS: Readonly<Record<string, readonly [string, Part]>> = {
  authenticate: ["Say who you are", { type: "authenticate", id: 1, user: "ada", password: "pw" }],
  subscribe: [
    "Ask for messages",
    { type: "subscribe", id: 2, filter: "plant/+/temperature", cursor: "earliest" },
  ],
  unsubscribe: ["End a subscription", { type: "unsubscribe", id: 3, filter: "plant/#" }],
  publish: [
    "Offer a message",
    { type: "publish", id: 4, topic: "plant/hall1/temperature", payload: "21.5", retain: true },
  ],
  ping: ["Ask for a sign of life", { type: "ping", id: 5, sentAt: 1_700_000_000_000 }],
};

const FRAMES: Readonly<Record<string, readonly [string, Part]>> = {
  welcome: [
    "The connection is open",
    {
      type: "welcome",
      subprotocol: "tributary.v1.json",
      sessionId: "s1",
      epoch: "k3v9x2m1q8zz",
      heartbeatSeconds: 25,
      maxPayloadBytes: 1_048_576,
    },
  ],
  authenticated: ["The credentials hold", { type: "authenticated", id: 1 }],
  subscribed: [
    "The subscription stands",
    {
      type: "subscribed",
      id: 2,
      filter: "plant/+/temperature",
      cursor: CURSOR,
      delivery: "at-most-once",
      recovered: false,
    },
  ],
  live: ["The subscription has caught up", { type: "live", id: 2, cursor: CURSOR }],
  message: ["A message", { type: "message", ...MESSAGE }],
  position: ["The reader's position", { type: "position", cursor: CURSOR }],
  gap: [
    "Messages are missing",
    { type: "gap", filter: "plant/#", from: CURSOR, earliest: CURSOR, reason: "retention" },
  ],
  dropped: [
    "Messages were dropped",
    { type: "dropped", filter: "plant/#", count: 3, first: 7, last: 9, reason: "drop_oldest" },
  ],
  published: ["The message is accepted", { type: "published", id: 4, cursor: CURSOR, offset: 100 }],
  unsubscribed: ["The subscription is over", { type: "unsubscribed", id: 3, filter: "plant/#" }],
  pong: ["A sign of life", { type: "pong", id: 5, sentAt: 1, now: 1_700_000_000_000 }],
  error: [
    "A refusal",
    {
      type: "error",
      id: 4,
      code: "invalid_topic",
      message: 'topic "a/#" holds a wildcard; wildcards belong in filters [MQTT-3.3.2-2]',
      retryable: false,
    },
  ],
};

/** Names of the messages that clients send. */
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Names of the messages that the gateway sends. */
export const FRAME_NAMES: readonly string[] = Object.keys(FRAMES);

/** Every message of every protocol. */
export function documentedMessages(): Readonly<Record<string, Part>> {
  return {
    ...jsonMessages(COMMANDS, "Command"),
    ...jsonMessages(FRAMES, "Frame"),
    ...binaryMessages(),
    ...streamMessages(),
    ...httpMessages(),
    mqttMessage: {
      name: "mqttMessage",
      title: "An MQTT application message",
      summary: "The payload is the publisher's; the gateway never reads it.",
      contentType: "application/octet-stream",
      payload: BYTES,
    },
  };
}

/** Any bytes: JSON Schema has nothing to say of them. */
const BYTES: JsonSchema = { description: "The payload, as it was published." };

function jsonMessages(
  all: Readonly<Record<string, readonly [string, Part]>>,
  suffix: string,
): Readonly<Record<string, Part>> {
  const messages = Object.entries(all).map(([name, [title, payload]]) => {
    const schema = `${name.charAt(0).toUpperCase()}${name.slice(1)}${suffix}`;
    return [
      name,
      {
        name,
        title,
        contentType: "application/json",
        payload: ref(schema),
        examples: [{ name, payload }],
      },
    ];
  });
  return Object.fromEntries(messages);
}

function binaryMessages(): Readonly<Record<string, Part>> {
  const summary =
    "Two bytes, big-endian: the length of the header. The header, JSON in UTF-8, as `headers` " +
    "says. The rest is the payload.";
  const frame = (name: string, title: string, schema: string): Part => ({
    name,
    title,
    summary,
    contentType: "application/octet-stream",
    headers: ref(schema),
    payload: BYTES,
  });
  return {
    binaryPublish: frame("binaryPublish", "Offer a message, in binary", "BinaryPublishHeader"),
    binaryMessage: frame("binaryMessage", "A message, in binary", "BinaryMessageHeader"),
  };
}

/** The blocks of an event stream: `headers` are its fields beside `data`. */
function streamMessages(): Readonly<Record<string, Part>> {
  const block = (fields: Readonly<Record<string, JsonSchema>>, required: readonly string[]) => ({
    type: "object",
    required,
    properties: fields,
  });
  const contentType = "text/event-stream";
  return {
    streamMessage: {
      name: "streamMessage",
      title: "event: message",
      summary: "`id` is the message's cursor; a retained one has no `id`.",
      contentType,
      headers: block({ event: { const: "message" }, id: ref("Cursor") }, ["event"]),
      payload: ref("Message"),
      examples: [{ headers: { event: "message", id: CURSOR }, payload: MESSAGE }],
    },
    streamGap: {
      name: "streamGap",
      title: "event: gap",
      summary: "`id` is the earliest cursor, so that the gap is told once.",
      contentType,
      headers: block({ event: { const: "gap" }, id: ref("Cursor") }, ["event", "id"]),
      payload: ref("StreamGap"),
    },
    streamPosition: {
      name: "streamPosition",
      title: "An id alone",
      summary: "Moves the last event id; browsers raise no event for it.",
      contentType,
      headers: block({ id: ref("Cursor") }, ["id"]),
    },
  };
}

function httpMessages(): Readonly<Record<string, Part>> {
  return {
    httpPublish: {
      name: "httpPublish",
      title: "A payload",
      contentType: "application/octet-stream",
      payload: BYTES,
    },
    httpAccepted: {
      name: "httpAccepted",
      title: "202: accepted",
      contentType: "application/json",
      payload: ref("Accepted"),
      examples: [{ payload: { cursor: CURSOR, offset: 100 } }],
    },
    bulk: {
      name: "bulk",
      title: "Many messages",
      contentType: "application/json",
      payload: ref("Bulk"),
      examples: [{ payload: [{ topic: "plant/hall1/temperature", payload: "21.5" }] }],
    },
    bulkAccepted: {
      name: "bulkAccepted",
      title: "202: all accepted",
      contentType: "application/json",
      payload: ref("BulkAccepted"),
    },
    pollRequest: {
      name: "pollRequest",
      title: "A poll",
      summary: "A GET without a body; the query says what is wanted.",
    },
    pollPage: {
      name: "pollPage",
      title: "200: messages",
      summary: "A hold that ended empty is 204 with `Tributary-Cursor`.",
      contentType: "application/json",
      payload: ref("PollPage"),
      examples: [
        {
          payload: { epoch: "k3v9x2m1q8zz", messages: [MESSAGE], cursor: CURSOR, upToDate: true },
        },
      ],
    },
  };
}
