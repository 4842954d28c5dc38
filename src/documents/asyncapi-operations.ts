import { readingQuery } from "./asyncapi-channels.ts";
import type { DocumentedConfig } from "./facts.ts";
import { type Part, ref } from "./json-schema.ts";

/** Which frames answer which command; each may also be answered by `error`. */
const ANSWERS: Readonly<Record<string, string>> = {
  authenticate: "authenticated",
  subscribe: "subscribed",
  unsubscribe: "unsubscribed",
  publish: "published",
  ping: "pong",
};

/** Frames that come on their own. */
const TOLD = ["welcome", "live", "position", "gap", "dropped", "error"];

/** The version of the HTTP binding that the operations keep to. */
const HTTP_BINDING = { bindingVersion: "0.3.0" };

/** What the gateway receives and sends on each channel. */
export function documentedOperations(
  channels: Readonly<Record<string, Part>>,
  config: DocumentedConfig,
): Readonly<Record<string, Part>> {
  const commands = ["websocketJson", "websocketBinary", "lines"].filter(
    (name) => channels[name] !== undefined,
  );
  return {
    ...Object.assign({}, ...commands.map(commandOperations)),
    ...(channels.topic === undefined ? {} : mqttOperations()),
    ...(channels.poll === undefined ? {} : httpOperations(config)),
  };
}

function commandOperations(channel: string): Readonly<Record<string, Part>> {
  const suffix = `On${channel.charAt(0).toUpperCase()}${channel.slice(1)}`;
  const isBinary = channel === "websocketBinary";
  const received = Object.entries(ANSWERS).map(([command, answer]) => [
    `${command}${suffix}`,
    {
      action: "receive",
      ...on(channel, isBinary && command === "publish" ? [command, "binaryPublish"] : [command]),
      reply: on(channel, [answer, "error"]),
    },
  ]);
  const delivered = isBinary ? ["message", "binaryMessage"] : ["message"];
  return {
    ...Object.fromEntries(received),
    [`deliver${suffix}`]: {
      action: "send",
      title: "Messages of the subscriptions",
      ...on(channel, delivered),
    },
    [`tell${suffix}`]: {
      action: "send",
      title: "What the gateway says on its own",
      ...on(channel, TOLD),
    },
  };
}

function mqttOperations(): Readonly<Record<string, Part>> {
  return {
    publishOnMqtt: {
      action: "receive",
      title: "PUBLISH from a client",
      description: "QoS 0, 1 or 2. Acknowledged once the message is accepted.",
      ...on("topic", ["mqttMessage"]),
      bindings: { mqtt: { qos: 2, bindingVersion: "0.2.0" } },
    },
    deliverOnMqtt: {
      action: "send",
      title: "PUBLISH to a client",
      description: "At the lower of the QoS it was published at and the QoS granted.",
      ...on("topic", ["mqttMessage"]),
      bindings: { mqtt: { qos: 2, bindingVersion: "0.2.0" } },
    },
  };
}

function httpOperations({ http }: DocumentedConfig): Readonly<Record<string, Part>> {
  const publishQuery = {
    type: "object",
    properties: { retain: { type: "boolean" }, expiry: ref("Expiry") },
  };
  const pollQuery = readingQuery({
    timeout: { type: "number", minimum: 0, default: http.poll.defaultHoldMs / 1_000 },
    max: { type: "integer", minimum: 1, default: http.poll.defaultMessages },
  });
  return {
    publishOnHttp: {
      action: "receive",
      ...on("httpTopic", ["httpPublish"]),
      bindings: { http: { method: "POST", query: publishQuery, ...HTTP_BINDING } },
      reply: on("httpTopic", ["httpAccepted"]),
    },
    publishBulkOnHttp: {
      action: "receive",
      ...on("httpBulk", ["bulk"]),
      bindings: { http: { method: "POST", ...HTTP_BINDING } },
      reply: on("httpBulk", ["bulkAccepted"]),
    },
    poll: {
      action: "receive",
      ...on("poll", ["pollRequest"]),
      bindings: { http: { method: "GET", query: pollQuery, ...HTTP_BINDING } },
      reply: on("poll", ["pollPage"]),
    },
    deliverOnStream: {
      action: "send",
      ...on("stream", ["streamMessage", "streamGap", "streamPosition"]),
      bindings: { http: { method: "GET", query: readingQuery({}), ...HTTP_BINDING } },
    },
  };
}

function on(channel: string, messages: readonly string[]): Part {
  return {
    channel: { $ref: `#/channels/${channel}` },
    messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
  };
}
