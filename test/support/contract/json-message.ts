import type { ReceivedMessage } from "./client.ts";

/** A message object as DESIGNed for JSON readers; parsed here without the project's own decoder. */
interface JsonMessage {
  readonly topic: string;
  readonly payload?: string;
  readonly encoding?: "utf8" | "base64";
  readonly retained?: boolean;
  readonly cursor?: string;
  readonly contentType?: string;
  readonly userProperties?: readonly (readonly [string, string])[];
  readonly responseTopic?: string;
  readonly correlationData?: string;
}

/** Reads the message with JSON.parse and Buffer alone. `body` is the payload of a binary frame. */
export function receivedFromJson(value: unknown, body?: Buffer): ReceivedMessage {
  const message = value as JsonMessage;
  const encoding = message.encoding === "base64" ? "base64" : "utf8";
  const { contentType, userProperties, responseTopic, correlationData } = message;
  return {
    topic: message.topic,
    payload: body ?? Buffer.from(message.payload ?? "", encoding),
    retained: message.retained === true,
    cursor: message.cursor ?? null,
    properties: {
      ...(contentType === undefined ? {} : { contentType }),
      ...(userProperties === undefined ? {} : { userProperties }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined
        ? {}
        : { correlationData: Buffer.from(correlationData, "base64") }),
    },
  };
}

/** The publish command of the WebSocket and TCP transports, without `type`-independent extras. */
export function publishCommand(
  topic: string,
  payload: Buffer | null,
  options: {
    id?: number;
    retain?: boolean;
    properties?: {
      contentType?: string;
      userProperties?: readonly (readonly [string, string])[];
      responseTopic?: string;
      correlationData?: Buffer;
    };
  },
): string {
  const { correlationData, ...properties } = options.properties ?? {};
  return JSON.stringify({
    type: "publish",
    ...(options.id === undefined ? {} : { id: options.id }),
    topic,
    ...(payload === null ? {} : { payload: payload.toString("base64"), encoding: "base64" }),
    ...(options.retain === true ? { retain: true } : {}),
    ...properties,
    ...(correlationData === undefined
      ? {}
      : { correlationData: correlationData.toString("base64") }),
  });
}
