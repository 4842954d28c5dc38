import { type Cursor, parseCursor } from "../bus/cursor.ts";
import type { Message, MessageProperties, QoS, TransportName } from "../bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic, type Topic } from "../bus/topic.ts";
import { decodeBase64, writeBase64 } from "./base64.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { Fields } from "./fields.ts";
import { jsonLine, writeJsonText, writeJsonUtf8 } from "./json-string.ts";
import { writeBase36, writeInteger, writeMillis } from "./number-text.ts";
import { readTrace, type TraceStamps, writeTrace } from "./trace.ts";
import { encodeUtf8 } from "./utf8.ts";

const CLOSE_BRACE = 0x7d;
const QUOTE = 0x22;
const HYPHEN = 0x2d;

/** Fixed text, encoded once: copying bytes costs a third of writing characters. */
const encoder = new TextEncoder();
const OPEN = encoder.encode('{"topic":');
const PAYLOAD = encoder.encode(',"payload":');
const UTF8_FOLLOWS = encoder.encode(',"encoding":"utf8"');
const BASE64_FOLLOWS = encoder.encode('","encoding":"base64"');
const NOTHING = new Uint8Array(0);
const QOS = [0, 1, 2].map((qos) => encoder.encode(`,"qos":${qos}`));
const RETAINED = encoder.encode(',"retained":true');
const CURSOR = encoder.encode(',"cursor":"');
const ACCEPTED_AT = encoder.encode(',"acceptedAt":');

/** By name, so that the compiler finds a transport that was forgotten. */
const INGRESS: Readonly<Record<TransportName, Uint8Array>> = {
  mqtt: encoder.encode(',"ingress":"mqtt"'),
  "mqtt-ws": encoder.encode(',"ingress":"mqtt-ws"'),
  websocket: encoder.encode(',"ingress":"websocket"'),
  sse: encoder.encode(',"ingress":"sse"'),
  poll: encoder.encode(',"ingress":"poll"'),
  http: encoder.encode(',"ingress":"http"'),
  tcp: encoder.encode(',"ingress":"tcp"'),
};

/** A message as a client of a JSON transport receives it. */
export interface ReceivedMessage {
  readonly topic: Topic;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** Whether it is the retained message of its topic, sent because a subscription began. */
  readonly isRetained: boolean;
  readonly properties: MessageProperties;
  /** The position of a reader that has it; a retained delivery has none. */
  readonly cursor: Cursor | null;
  readonly ingress: TransportName;
  /** Milliseconds since the Unix epoch, to the microsecond, by the gateway's clock. */
  readonly acceptedAt: number;
  /** Absent unless the publisher asked for it. */
  readonly trace?: TraceStamps;
}

/**
 * Writes the JSON object of a message. `epoch` is that of the cursor it carries; `null` carries
 * none, as for a retained delivery. `encoding` is `utf8` exactly when the payload is well-formed
 * UTF-8. Payload bytes go straight to the output: no text is made of them.
 */
export function encodeJsonMessage(
  message: Message,
  out: ByteWriter,
  epoch: string | null,
  isRetained = false,
): void {
  out.bytes(OPEN);
  writeJsonText(out, message.topic);
  writePayload(out, message.payload);
  writeMessageFacts(message, out, epoch, isRetained);
  out.byte(CLOSE_BRACE);
}

/** Writes `,"payload":…,"encoding":…`. */
export function writePayload(out: ByteWriter, payload: Uint8Array): void {
  out.bytes(PAYLOAD);
  if (writeJsonUtf8(out, payload)) {
    out.bytes(UTF8_FOLLOWS);
    return;
  }
  out.byte(QUOTE);
  writeBase64(out, payload);
  out.bytes(BASE64_FOLLOWS);
}

/** Writes all that follows topic and payload, with a leading comma, without the closing brace. */
export function writeMessageFacts(
  message: Message,
  out: ByteWriter,
  epoch: string | null,
  isRetained: boolean,
): void {
  writeProperties(message.properties, out);
  out.bytes(QOS[message.qos] ?? NOTHING);
  if (isRetained) out.bytes(RETAINED);
  if (epoch !== null) {
    out.bytes(CURSOR);
    writeCursor(out, epoch, message.offset);
    out.byte(QUOTE);
  }
  out.bytes(INGRESS[message.origin.transport]);
  out.bytes(ACCEPTED_AT);
  writeMillis(out, message.acceptedAt);
  writeTrace(message, out);
}

/** Writes the text that `formatCursor` builds, without building it. */
export function writeCursor(out: ByteWriter, epoch: string, offset: number): void {
  out.ascii(epoch);
  out.byte(HYPHEN);
  writeBase36(out, offset);
}

function writeProperties(properties: MessageProperties, out: ByteWriter): void {
  const { contentType, userProperties, responseTopic, correlationData, expiry } = properties;
  if (contentType !== undefined) {
    out.ascii(',"contentType":');
    writeJsonText(out, contentType);
  }
  if (userProperties !== undefined) {
    out.ascii(',"userProperties":');
    out.utf8(jsonLine(userProperties));
  }
  if (responseTopic !== undefined) {
    out.ascii(',"responseTopic":');
    writeJsonText(out, responseTopic);
  }
  if (correlationData !== undefined) {
    out.ascii(',"correlationData":"');
    writeBase64(out, correlationData);
    out.ascii('"');
  }
  if (expiry !== undefined) {
    out.ascii(',"expiry":');
    writeInteger(out, expiry);
  }
}

/** Reads the JSON object of a message; fields it does not know are ignored. Throws `bad_request`. */
export function parseJsonMessage(value: unknown): ReceivedMessage {
  const fields = new Fields(value, "message");
  return readMessage(fields, readPayload(fields));
}

/** The payload of fields `payload` and `encoding`, which is `utf8` when absent. */
export function readPayload(fields: Fields): Uint8Array {
  const text = fields.text("payload");
  const isBase64 =
    fields.has("encoding") && fields.oneOf("encoding", ["utf8", "base64"]) === "base64";
  const payload = isBase64 ? decodeBase64(text) : encodeUtf8(text);
  if (payload !== null) return payload;
  throw fields.fault(
    "payload",
    isBase64 ? "padded base64 (RFC 4648 §4)" : "text without lone surrogates, or base64,",
  );
}

/** Reads all of a message but its payload, which the binary subprotocol carries apart. */
export function readMessage(fields: Fields, payload: Uint8Array): ReceivedMessage {
  const ingress = fields.text("ingress");
  if (!isTransportName(ingress)) throw fields.fault("ingress", "the name of a transport");
  return {
    topic: parseTopic(fields.text("topic"), PROTOCOL_TOPIC_LIMITS),
    payload,
    qos: readQos(fields),
    isRetained: fields.flag("retained", false),
    properties: readProperties(fields),
    cursor: fields.has("cursor") ? readCursor(fields, "cursor") : null,
    ingress,
    acceptedAt: fields.number("acceptedAt"),
    ...(fields.has("trace") ? { trace: readTrace(new Fields(fields.raw("trace"), "trace")) } : {}),
  };
}

/** The properties a JSON message or command carries; an absent one is absent in the result. */
export function readProperties(fields: Fields): MessageProperties {
  const contentType = fields.optionalMqttText("contentType");
  const userProperties = fields.optionalPairs("userProperties");
  const responseTopic = fields.optionalMqttText("responseTopic");
  const correlationText = fields.optionalText("correlationData");
  const correlationData = correlationText === undefined ? undefined : decodeBase64(correlationText);
  if (correlationData === null)
    throw fields.fault("correlationData", "padded base64 (RFC 4648 §4)");
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(fields.has("expiry") ? { expiry: fields.integer("expiry", MAX_EXPIRY_SECONDS) } : {}),
  };
}

/** The range of a four-byte integer (MQTT 5 §3.3.2.3.3). */
const MAX_EXPIRY_SECONDS = 4_294_967_295;

/** A field that holds a cursor in its right form. */
export function readCursor(fields: Fields, name: string): Cursor {
  const text = fields.text(name);
  parseCursor(text);
  return text as Cursor;
}

function readQos(fields: Fields): QoS {
  const qos = fields.integer("qos", 2);
  return qos === 0 ? 0 : qos === 1 ? 1 : 2;
}

function isTransportName(text: string): text is TransportName {
  return Object.hasOwn(INGRESS, text);
}
