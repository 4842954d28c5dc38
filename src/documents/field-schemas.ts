import { TRANSPORTS } from "../bus/message.ts";
import { OVERFLOW_POLICIES } from "../bus/overflow.ts";
import { ERROR_FORMS } from "../errors.ts";
import type { DocumentedConfig } from "./facts.ts";
import { count, type JsonSchema, type NamedSchemas, ref } from "./json-schema.ts";

/** UTF-16 code units that UTF-8 cannot carry alone [MQTT-1.5.3-1]; inside a class of a pattern. */
const SURROGATES = "\\uD800-\\uDFFF";

/** A character of a level of a topic, after MQTT §4.7. */
const LEVEL = `[^+#/\\u0000${SURROGATES}]*`;

const CURSOR = "[0-9a-z]{8,32}-[0-9a-z]{1,11}";

/** Padded, and the bits that carry nothing are zero (RFC 4648 §3.5): one value has one text. */
const BASE64 =
  "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?";

/** Text without lone surrogates, as a pattern. */
export const WELL_FORMED = `^[^${SURROGATES}]*$`;

/** Padded base64, as a pattern. */
export const BASE64_PATTERN = `^${BASE64}$`;

/** The largest integer of four bytes, in which MQTT 5 carries the expiry (§3.3.2.3.3). */
export const MAX_EXPIRY_SECONDS = 4_294_967_295;

/** The bytes an MQTT string can have [MQTT-1.5.4]. */
const MQTT_STRING_BYTES = 65_535;

/**
 * The fields that commands, frames and requests share. Limits in bytes of UTF-8 appear as limits in
 * characters, which no text within the former exceeds.
 */
export function fieldSchemas({ limits }: Pick<DocumentedConfig, "limits">): NamedSchemas {
  return {
    ...nameSchemas(limits),
    ...positionSchemas(),
    ...propertySchemas(),
    CommandId: {
      description: "Names a command, so that its answer can: unique as far as the client cares.",
      anyOf: [
        { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        { type: "string", maxLength: 64 },
      ],
    },
    OverflowPolicy: {
      description:
        "What a full queue does: disconnect ends the reader, which may resume with its cursor; " +
        "drop-oldest lets the oldest message go; keep-latest lets older messages of a topic go.",
      enum: OVERFLOW_POLICIES,
    },
    TransportName: { description: "A way through the gateway.", enum: TRANSPORTS },
    ErrorCode: {
      description: "The stable name of a refusal. Go by it, never by the text of a message.",
      enum: Object.keys(ERROR_FORMS),
    },
    IdempotencyKey: {
      description:
        "A publish repeated with the same key is accepted once, within " +
        `${limits.idempotency.windowMs / 1_000} s.`,
      type: "string",
      pattern: "^[\\x21-\\x7e]{1,255}$",
    },
  };
}

function nameSchemas({ maxTopicBytes, maxTopicLevels }: DocumentedConfig["limits"]): NamedSchemas {
  const more = maxTopicLevels - 1;
  return {
    Topic: {
      description:
        "What a message is published to (MQTT §4.7): levels between /, no wildcard, at most " +
        `${maxTopicBytes} bytes of UTF-8 and ${maxTopicLevels} levels. Topics that start with $ ` +
        "are reserved: publishing to one is forbidden.",
      type: "string",
      minLength: 1,
      maxLength: maxTopicBytes,
      pattern: `^${LEVEL}(?:/${LEVEL}){0,${more}}$`,
      examples: ["plant/hall1/temperature"],
    },
    Filter: {
      description:
        "What a subscription asks for (MQTT §4.7.1): a topic in which a level may be + (any one " +
        "level) and the last may be # (the parent and everything below). At most " +
        `${maxTopicBytes} bytes of UTF-8 and ${maxTopicLevels} levels.`,
      type: "string",
      minLength: 1,
      maxLength: maxTopicBytes,
      pattern: `^(?:(?:\\+|${LEVEL})/){0,${more}}(?:\\+|#|${LEVEL})$`,
      examples: ["plant/+/temperature"],
    },
    ReceivedTopic: {
      description: "The topic of a message, whatever transport it came in by.",
      type: "string",
      minLength: 1,
      maxLength: MQTT_STRING_BYTES,
      pattern: `^[^+#\\u0000${SURROGATES}]+$`,
    },
  };
}

function positionSchemas(): NamedSchemas {
  return {
    Cursor: {
      description: 'Opaque: it means "I have everything up to here".',
      type: "string",
      pattern: `^${CURSOR}$`,
      examples: ["k3v9x2m1q8zz-2s"],
    },
    Start: {
      description: "Where a reader begins: a cursor, the earliest message that is kept, or now.",
      type: "string",
      pattern: `^(?:now|earliest|${CURSOR})$`,
      default: "now",
    },
    Epoch: {
      description: "Names one lifetime of the sequence of offsets.",
      type: "string",
      pattern: "^[0-9a-z]{8,32}$",
    },
    Offset: count("The message's place in the one sequence of the bus."),
    Millis: {
      description: "Milliseconds since the Unix epoch, to the microsecond, by the gateway's clock.",
      type: "number",
      minimum: 0,
    },
  };
}

function propertySchemas(): NamedSchemas {
  const mqttText = {
    type: "string",
    maxLength: MQTT_STRING_BYTES,
    pattern: `^[^\\u0000${SURROGATES}]*$`,
  };
  return {
    ContentType: { description: "What the payload is, as its publisher says.", ...mqttText },
    UserProperties: {
      description: "Pairs of name and value in order; names may repeat (MQTT 5 §3.3.2.3.7).",
      type: "array",
      items: { type: "array", items: mqttText, minItems: 2, maxItems: 2 },
    },
    CorrelationData: {
      description: "Bytes that name the request this answers, in base64 (MQTT 5 §3.3.2.3.6).",
      type: "string",
      pattern: BASE64_PATTERN,
    },
    Expiry: count(
      "Seconds after which the message is delivered to nobody any more (MQTT 5 §3.3.2.3.3).",
      MAX_EXPIRY_SECONDS,
    ),
    Encoding: {
      description: "How the payload's bytes are written as text; utf8 when absent.",
      enum: ["utf8", "base64"],
    },
  };
}

/** What a message carries beside its payload; `topic` is the schema of the response topic. */
export function propertyFields(topic: string): Readonly<Record<string, JsonSchema>> {
  return {
    contentType: ref("ContentType"),
    userProperties: ref("UserProperties"),
    responseTopic: ref(topic),
    correlationData: ref("CorrelationData"),
    expiry: ref("Expiry"),
  };
}

/** Their names: each may be absent. */
export const PROPERTY_NAMES: readonly string[] = Object.keys(propertyFields("Topic"));
