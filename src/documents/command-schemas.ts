import type { DocumentedConfig } from "./facts.ts";
import { BASE64_PATTERN, PROPERTY_NAMES, propertyFields, WELL_FORMED } from "./field-schemas.ts";
import { type JsonSchema, type NamedSchemas, object, ref } from "./json-schema.ts";

const TEXT: JsonSchema = { type: "string" };

/** Everything a client may say on WebSocket and raw TCP, by the name of its schema. */
export function commandSchemas({ limits }: Pick<DocumentedConfig, "limits">): NamedSchemas {
  const { maxPayloadBytes } = limits;
  return {
    AuthenticateCommand: {
      description: "Says who the client is: by a token, or by user and password.",
      oneOf: [
        command("authenticate", { token: TEXT }, []),
        command("authenticate", { user: TEXT, password: TEXT }, []),
      ],
    },
    SubscribeCommand: command(
      "subscribe",
      {
        filter: ref("Filter"),
        cursor: ref("Start"),
        retained: {
          description: "Whether retained messages come first; only with a start at now.",
          type: "boolean",
          default: true,
        },
        overflow: ref("OverflowPolicy"),
      },
      ["cursor", "retained", "overflow"],
      "Asks for messages. The same filter again replaces the options and starts again.",
    ),
    UnsubscribeCommand: command(
      "unsubscribe",
      { filter: ref("Filter") },
      [],
      "Ends a subscription. An unknown filter is answered like a known one.",
    ),
    PingCommand: command(
      "ping",
      { sentAt: { description: "The client's own time; it comes back.", type: "number" } },
      ["sentAt"],
      "Asks for a sign of life.",
    ),
    PublishCommand: publishCommand(["id"], maxPayloadBytes),
    BulkItem: publishCommand(["id", "type"], maxPayloadBytes),
    BinaryPublishHeader: object(
      { type: { const: "publish" }, id: ref("CommandId"), ...publishFields() },
      {
        description: "The header of a binary frame: a publish command without its payload.",
        optional: ["id", ...OPTIONAL_PUBLISH_FIELDS],
        isClosed: true,
      },
    ),
  };
}

const OPTIONAL_PUBLISH_FIELDS = ["retain", "idempotencyKey", ...PROPERTY_NAMES];

function publishFields(): Readonly<Record<string, JsonSchema>> {
  return {
    topic: ref("Topic"),
    retain: {
      description: "Whether the message becomes its topic's retained one; an empty payload clears.",
      type: "boolean",
      default: false,
    },
    idempotencyKey: ref("IdempotencyKey"),
    ...propertyFields("Topic"),
  };
}

function publishCommand(optional: readonly string[], maxPayloadBytes: number): JsonSchema {
  return {
    ...object(
      {
        type: { const: "publish" },
        id: ref("CommandId"),
        payload: { description: `At most ${maxPayloadBytes} bytes once decoded.`, type: "string" },
        encoding: ref("Encoding"),
        ...publishFields(),
      },
      {
        description:
          "Offers a message. With an id it is published at QoS 1 and answered; without, at QoS 0 " +
          "and answered only by a refusal.",
        optional: [...optional, "encoding", ...OPTIONAL_PUBLISH_FIELDS],
        isClosed: true,
      },
    ),
    ...payloadText(maxPayloadBytes),
  };
}

/** What the text of a payload must be by its encoding; `maxBytes` bounds what is decoded of it. */
export function payloadText(maxBytes: number | null): JsonSchema {
  const base64 = maxBytes === null ? {} : { maxLength: Math.ceil(maxBytes / 3) * 4 };
  const utf8 = maxBytes === null ? {} : { maxLength: maxBytes };
  return {
    if: { properties: { encoding: { const: "base64" } }, required: ["encoding"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; nobody awaits a schema.
    then: { properties: { payload: { pattern: BASE64_PATTERN, ...base64 } } },
    else: { properties: { payload: { pattern: WELL_FORMED, ...utf8 } } },
  };
}

function command(
  type: string,
  fields: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[],
  description?: string,
): JsonSchema {
  return object(
    { type: { const: type }, id: ref("CommandId"), ...fields },
    { ...(description === undefined ? {} : { description }), optional, isClosed: true },
  );
}
