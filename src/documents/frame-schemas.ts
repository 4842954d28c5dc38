import { payloadText } from "./command-schemas.ts";
import { PROPERTY_NAMES, propertyFields } from "./field-schemas.ts";
import { count, type JsonSchema, type NamedSchemas, object, ref } from "./json-schema.ts";

/** The facts of a message but its payload. */
const MESSAGE_FACTS: Readonly<Record<string, JsonSchema>> = {
  ...propertyFields("ReceivedTopic"),
  qos: { description: "The QoS it was published at.", enum: [0, 1, 2] },
  retained: { description: "Sent because a subscription began.", const: true },
  cursor: ref("Cursor"),
  ingress: ref("TransportName"),
  acceptedAt: ref("Millis"),
  trace: object(
    {
      receivedAt: ref("Millis"),
      acceptedAt: ref("Millis"),
      encodedAt: ref("Millis"),
    },
    {
      description:
        "On messages published with user property trace = 1: when its bytes had been read, when it " +
        "was accepted, and when it was encoded for the first reader of this form.",
    },
  ),
};

const OPTIONAL_FACTS = [...PROPERTY_NAMES, "retained", "cursor", "trace"];

const SUBSCRIPTION = {
  description: "The id of the subscribe command, on retained and recovered messages only.",
  anyOf: [ref("CommandId")],
};

/** A retained delivery moves no position, and every other has one. */
const CURSOR_UNLESS_RETAINED: JsonSchema = {
  if: { required: ["retained"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; nobody awaits a schema.
  then: { not: { required: ["cursor"] } },
  else: { required: ["cursor"] },
};

/** A message as each of its carriers has it. */
export function messageSchemas(): NamedSchemas {
  const payload = {
    payload: { description: "The bytes, as `encoding` says.", type: "string" },
    encoding: { description: "utf8 exactly when they are.", enum: ["utf8", "base64"] },
  };
  return {
    Message: {
      ...object(
        { topic: ref("ReceivedTopic"), ...payload, ...MESSAGE_FACTS },
        { description: "A message, to readers of JSON.", optional: OPTIONAL_FACTS },
      ),
      allOf: [payloadText(null), CURSOR_UNLESS_RETAINED],
    },
    MessageFrame: {
      ...frame(
        "message",
        { subscription: SUBSCRIPTION, topic: ref("ReceivedTopic"), ...payload, ...MESSAGE_FACTS },
        "A message. Live ones are the same for every subscriber and come once, however many " +
          "filters match.",
        ["subscription", ...OPTIONAL_FACTS],
      ),
      allOf: [payloadText(null), CURSOR_UNLESS_RETAINED],
    },
    BinaryMessageHeader: {
      ...frame(
        "message",
        { subscription: SUBSCRIPTION, topic: ref("ReceivedTopic"), ...MESSAGE_FACTS },
        "The header of a binary frame: a message without its payload.",
        ["subscription", ...OPTIONAL_FACTS],
      ),
      ...CURSOR_UNLESS_RETAINED,
    },
  };
}

/** Everything the gateway says on WebSocket and raw TCP, messages aside. */
export function frameSchemas(): NamedSchemas {
  const id = ref("CommandId");
  const cursor = ref("Cursor");
  const filter = ref("Filter");
  const from = { description: "The cursor the reader had.", anyOf: [cursor] };
  const earliest = { description: "What delivery goes on from.", anyOf: [cursor] };
  const gap = { from, earliest, reason: GAP_REASON };
  return {
    WelcomeFrame: frame("welcome", WELCOME, "The first frame of every connection."),
    AuthenticatedFrame: frame("authenticated", { id }, "The credentials hold from here on."),
    SubscribedFrame: frame(
      "subscribed",
      { id, filter, cursor, delivery: DELIVERY, recovered: RECOVERED },
      "Answers subscribe; retained and recovered messages follow, then `live`.",
    ),
    LiveFrame: frame("live", { id, cursor }, "The subscription has caught up."),
    PositionFrame: frame(
      "position",
      { cursor },
      "The reader has everything up to here, although nothing matched lately.",
    ),
    GapFrame: frame("gap", { filter, ...gap }, "Messages of a subscription are missing."),
    StreamGap: frame("gap", gap, "Messages of the stream are missing."),
    DroppedFrame: frame(
      "dropped",
      { filter, count: count("How many."), first: FIRST, last: LAST, reason: DROP_REASON },
      "The overflow policy let messages go. At most one a second tells.",
    ),
    PublishedFrame: frame(
      "published",
      { id, cursor, offset: ref("Offset") },
      "The message is accepted.",
    ),
    UnsubscribedFrame: frame("unsubscribed", { id, filter }, "Nothing more comes for this filter."),
    PongFrame: frame(
      "pong",
      { id, sentAt: { description: "As the ping had it.", type: "number" }, now: ref("Millis") },
      "Answers ping.",
      ["sentAt"],
    ),
    ErrorFrame: frame("error", { id, code: ref("ErrorCode"), ...ERROR }, "A refusal.", ["id"]),
  };
}

const WELCOME: Readonly<Record<string, JsonSchema>> = {
  subprotocol: { enum: ["tributary.v1.json", "tributary.v1.binary"] },
  sessionId: { type: "string", minLength: 1 },
  epoch: ref("Epoch"),
  heartbeatSeconds: {
    description: "A connection that is silent for two of these is closed.",
    type: "number",
    exclusiveMinimum: 0,
  },
  maxPayloadBytes: count("Bytes of the largest payload that is taken."),
};

/** Why a reader cannot have everything after its cursor. */
export const GAP_REASON: JsonSchema = {
  description:
    "epoch: the sequence began anew; retention: the log's window has passed; store: it could not " +
    "be stored.",
  enum: ["epoch", "retention", "store"],
};

const DROP_REASON: JsonSchema = {
  description: "The overflow policy that let them go.",
  enum: ["drop_oldest", "keep_latest"],
};

const DELIVERY: JsonSchema = {
  description: "Whether messages can be missing without a word.",
  enum: ["at-most-once", "at-least-once"],
};

const RECOVERED: JsonSchema = {
  description: "Whether everything after the cursor asked for will come.",
  type: "boolean",
};

const FIRST = count("The lowest offset among them.");
const LAST = count("The highest offset among them.");

const ERROR: Readonly<Record<string, JsonSchema>> = {
  message: { description: "What was wrong, for people.", type: "string" },
  retryable: { description: "Whether the same may succeed later.", type: "boolean" },
};

function frame(
  type: string,
  fields: Readonly<Record<string, JsonSchema>>,
  description: string,
  optional: readonly string[] = [],
): JsonSchema {
  return object({ type: { const: type }, ...fields }, { description, optional });
}
