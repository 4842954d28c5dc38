import { createHash } from "node:crypto";
import {
  type Message,
  type MessageProperties,
  NO_PROPERTIES,
  TRANSPORTS,
} from "../../bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic, type Topic } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import { RecordError } from "./record-error.ts";
import { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";
import { MAX_KEY_BYTES } from "./tables.ts";

const WHOLE_TOPIC = 0;
const HASHED_TOPIC = 1;
const HASH_BYTES = 32;
/** What of a topic too long for a key stands before its hash, so that neighbours stay neighbours. */
const PREFIX_BYTES = MAX_KEY_BYTES - 1 - HASH_BYTES;

/** The key of a topic: the topic, or of a long one its first bytes and the SHA-256 of all of it. */
export function retainedKey(topic: Topic): Buffer {
  const bytes = Buffer.from(topic);
  if (bytes.length < MAX_KEY_BYTES) return Buffer.concat([Buffer.of(WHOLE_TOPIC), bytes]);
  const hash = createHash("sha256").update(bytes).digest();
  return Buffer.concat([Buffer.of(HASHED_TOPIC), bytes.subarray(0, PREFIX_BYTES), hash]);
}

const QOS_BITS = 0b11;
const IS_RETAIN = 0b100;
const HAS_PROPERTIES = 0b1000;

/** A retained message: everything a later subscriber is told, and where it came from. */
export function encodeRetained(writer: RecordWriter, message: Message): Buffer {
  const { properties, origin } = message;
  const hasProperties = properties !== NO_PROPERTIES;
  writer.byte(
    message.qos | (message.retain ? IS_RETAIN : 0) | (hasProperties ? HAS_PROPERTIES : 0),
  );
  writer.varint(message.offset);
  writer.double(message.receivedAt);
  writer.double(message.acceptedAt);
  writer.byte(TRANSPORTS.indexOf(origin.transport));
  writer.text(origin.sessionId);
  writer.text(message.topic);
  writer.bytes(message.payload);
  if (hasProperties) writeProperties(writer, properties);
  return writer.take();
}

/** A message whose payload has bytes of its own. Throws a `RecordError` for anything else. */
export function decodeRetained(record: Uint8Array): Message {
  const reader = new RecordReader(record);
  const flags = reader.byte();
  const qos = flags & QOS_BITS;
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new RecordError(`has QoS ${qos}`);
  const offset = reader.varint();
  const receivedAt = reader.double();
  const acceptedAt = reader.double();
  const number = reader.byte();
  const transport = TRANSPORTS[number];
  if (transport === undefined) throw new RecordError(`has transport ${number}`);
  const origin = { transport, sessionId: reader.text() };
  const topic = readTopic(reader.text());
  const payload = reader.bytes();
  const properties = (flags & HAS_PROPERTIES) === 0 ? NO_PROPERTIES : readProperties(reader);
  reader.end();
  const retain = (flags & IS_RETAIN) !== 0;
  return { topic, payload, qos, retain, properties, origin, receivedAt, offset, acceptedAt };
}

const HAS_CONTENT_TYPE = 1;
const HAS_RESPONSE_TOPIC = 2;
const HAS_CORRELATION_DATA = 4;
const HAS_EXPIRY = 8;
const HAS_USER_PROPERTIES = 16;
const IS_UNSPECIFIED = 32;
const IS_TEXT = 64;

function writeProperties(writer: RecordWriter, properties: MessageProperties): void {
  const { contentType, responseTopic, correlationData, expiry, userProperties } = properties;
  writer.byte(
    (contentType === undefined ? 0 : HAS_CONTENT_TYPE) |
      (responseTopic === undefined ? 0 : HAS_RESPONSE_TOPIC) |
      (correlationData === undefined ? 0 : HAS_CORRELATION_DATA) |
      (expiry === undefined ? 0 : HAS_EXPIRY) |
      (userProperties === undefined ? 0 : HAS_USER_PROPERTIES) |
      (properties.payloadFormat === 0 ? IS_UNSPECIFIED : 0) |
      (properties.payloadFormat === 1 ? IS_TEXT : 0),
  );
  if (contentType !== undefined) writer.text(contentType);
  if (responseTopic !== undefined) writer.text(responseTopic);
  if (correlationData !== undefined) writer.bytes(correlationData);
  if (expiry !== undefined) writer.varint(expiry);
  if (userProperties === undefined) return;
  writer.varint(userProperties.length);
  for (const [name, value] of userProperties) {
    writer.text(name);
    writer.text(value);
  }
}

function readProperties(reader: RecordReader): MessageProperties {
  const flags = reader.byte();
  const has = (bit: number): boolean => (flags & bit) !== 0;
  return {
    ...(has(HAS_CONTENT_TYPE) ? { contentType: reader.text() } : {}),
    ...(has(HAS_RESPONSE_TOPIC) ? { responseTopic: reader.text() } : {}),
    ...(has(HAS_CORRELATION_DATA) ? { correlationData: reader.bytes() } : {}),
    ...(has(HAS_EXPIRY) ? { expiry: reader.varint() } : {}),
    ...(has(HAS_USER_PROPERTIES) ? { userProperties: readPairs(reader) } : {}),
    ...(has(IS_UNSPECIFIED) ? { payloadFormat: 0 as const } : {}),
    ...(has(IS_TEXT) ? { payloadFormat: 1 as const } : {}),
  };
}

function readPairs(reader: RecordReader): [string, string][] {
  const count = reader.varint();
  const pairs: [string, string][] = [];
  for (let i = 0; i < count; i += 1) pairs.push([reader.text(), reader.text()]);
  return pairs;
}

/** Whoever changed the bytes might have made them a name no trie should hold. */
function readTopic(text: string): Topic {
  try {
    return parseTopic(text, PROTOCOL_TOPIC_LIMITS);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new RecordError(error.message, { cause: error });
  }
}
