import type { Topic } from "./topic.ts";

/** The ways through the gateway; these strings stand in config, labels and reports. */
export const TRANSPORTS = ["mqtt", "mqtt-ws", "websocket", "sse", "poll", "http", "tcp"] as const;

/** One way through the gateway. */
export type TransportName = (typeof TRANSPORTS)[number];

/** Quality of service of one hop (MQTT 3.1.1 §4.3); never an end-to-end promise. */
export type QoS = 0 | 1 | 2;

/** The session and transport a message came in by. One object a session, shared by its messages. */
export interface Origin {
  readonly transport: TransportName;
  readonly sessionId: string;
}

/** What a message may carry beside its payload; the names and meanings of MQTT 5 §3.3.2.3. */
export interface MessageProperties {
  readonly contentType?: string;
  /** Name and value, in the publisher's order; names may repeat. */
  readonly userProperties?: readonly (readonly [string, string])[];
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** 0: unspecified bytes, 1: UTF-8 text. */
  readonly payloadFormat?: 0 | 1;
  /** Seconds after acceptance at which the message is no longer delivered; 0…4,294,967,295. */
  readonly expiry?: number;
}

/** The properties of a message that has none; shared, so that a common case costs no object. */
export const NO_PROPERTIES: MessageProperties = Object.freeze({});

/** What a publisher offers: a message before it has been checked and given an offset. */
export interface MessageDraft {
  readonly topic: Topic;
  /** May be a view into a read chunk: the log copies it before `append` returns. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  readonly origin: Origin;
  /** When its bytes had been parsed: milliseconds since the Unix epoch, fractional. */
  readonly receivedAt: number;
}

/** An accepted message: immutable, with its place in the bus's one sequence. */
export interface Message extends MessageDraft {
  /** Place in the sequence; the first is 1. */
  readonly offset: number;
  /** When it got its offset: milliseconds since the Unix epoch, fractional. */
  readonly acceptedAt: number;
}

/**
 * Bytes a kept message is charged with: its payload and the text of its properties. Properties
 * count, or a client could fill the memory with messages of no payload.
 */
export function storedBytes(message: MessageDraft): number {
  return message.payload.length + propertyBytes(message.properties);
}

/** What the properties of a kept message are charged with, in bytes. */
export function propertyBytes(properties: MessageProperties): number {
  if (properties === NO_PROPERTIES) return 0;
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  let bytes = PROPERTIES_OVERHEAD_BYTES;
  bytes += (contentType?.length ?? 0) + (responseTopic?.length ?? 0);
  bytes += correlationData?.length ?? 0;
  if (userProperties === undefined) return bytes;
  for (const [name, value] of userProperties) {
    bytes += USER_PROPERTY_OVERHEAD_BYTES + name.length + value.length;
  }
  return bytes;
}

/** The object and its fields; a user property is an array of two strings with headers of their own. */
const PROPERTIES_OVERHEAD_BYTES = 64;
const USER_PROPERTY_OVERHEAD_BYTES = 64;

/** Bytes of their own. `slice()` is none: of a Buffer it is a view of the same bytes. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** When the message expires (milliseconds since the Unix epoch); `Infinity` for never. */
export function expiresAt(message: Message): number {
  const { expiry } = message.properties;
  return expiry === undefined ? Number.POSITIVE_INFINITY : message.acceptedAt + expiry * 1_000;
}

/** Whether the message's expiry has passed at `now` (milliseconds since the Unix epoch). */
export function isExpired(message: Message, now: number): boolean {
  return now >= expiresAt(message);
}
