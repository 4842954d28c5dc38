import { COMMAND_NAMES, FRAME_NAMES } from "./asyncapi-messages.ts";
import type { DocumentedServers } from "./asyncapi-servers.ts";
import { closeCodes } from "./close-codes.ts";
import type { DocumentFacts } from "./facts.ts";
import { type JsonSchema, type Part, ref } from "./json-schema.ts";

/** Every channel there is with these servers, by name. One without a server would be on all. */
export function documentedChannels(
  { config }: DocumentFacts,
  known: DocumentedServers,
): Readonly<Record<string, Part>> {
  return {
    ...(known.websocket.length === 0 ? {} : commandChannels(config.websocket.path, known)),
    ...(known.tcp.length === 0 ? {} : { lines: lineChannel(known) }),
    ...(known.mqtt.length === 0 ? {} : { topic: topicChannel(known) }),
    ...(known.http.length === 0 ? {} : httpChannels(known)),
  };
}

function topicChannel(known: DocumentedServers): Part {
  return {
    title: "MQTT",
    address: "{topic}",
    description:
      "MQTT 3.1 and 3.1.1, over TCP or, with the subprotocol mqtt or mqttv3.1, in binary " +
      "WebSocket frames. Subscribe with filters (§4.7), or as members of a group with " +
      "$share/GROUP/FILTER, which share its messages.",
    servers: serverRefs(known.mqtt),
    parameters: { topic: TOPIC },
    messages: messageRefs(["mqttMessage"]),
  };
}

const TOPIC: Part = {
  description: "What a message is published to (MQTT §4.7).",
  examples: ["plant/hall1/temperature"],
};

function commandChannels(path: string, known: DocumentedServers): Readonly<Record<string, Part>> {
  const codes = closeCodes().map(({ code, reason, meaning, mayReconnect }) => [
    code,
    { reason, meaning, mayReconnect },
  ]);
  const websocket = (subprotocol: string, title: string, more: readonly string[]): Part => ({
    title,
    address: path,
    description: "Text frames, each one JSON object. Commands are answered in order.",
    servers: serverRefs(known.websocket),
    messages: messageRefs([...COMMAND_NAMES, ...FRAME_NAMES, ...more]),
    bindings: {
      ws: {
        method: "GET",
        headers: {
          type: "object",
          properties: { "Sec-WebSocket-Protocol": { type: "string", const: subprotocol } },
        },
        bindingVersion: "0.1.0",
      },
    },
    "x-close-codes": Object.fromEntries(codes),
  });
  return {
    websocketJson: websocket("tributary.v1.json", "WebSocket, JSON (also without subprotocol)", []),
    websocketBinary: websocket("tributary.v1.binary", "WebSocket, messages in binary frames", [
      "binaryPublish",
      "binaryMessage",
    ]),
  };
}

function lineChannel(known: DocumentedServers): Part {
  return {
    title: "Raw TCP",
    address: null,
    description:
      "One JSON object a line, the same as on WebSocket. Commands are answered in order.",
    servers: serverRefs(known.tcp),
    messages: messageRefs([...COMMAND_NAMES, ...FRAME_NAMES]),
  };
}

function httpChannels(known: DocumentedServers): Readonly<Record<string, Part>> {
  const channel = (title: string, address: string, messages: readonly string[]): Part => ({
    title,
    address,
    servers: serverRefs(known.http),
    messages: messageRefs(messages),
  });
  return {
    httpTopic: {
      ...channel("HTTP publish", "/v1/topics/{topic}", ["httpPublish", "httpAccepted"]),
      parameters: { topic: TOPIC },
    },
    httpBulk: channel("HTTP bulk publish", "/v1/publish", ["bulk", "bulkAccepted"]),
    poll: channel("Long-poll and plain poll", "/v1/poll", ["pollRequest", "pollPage"]),
    stream: channel("Server-sent events", "/v1/stream", [
      "streamMessage",
      "streamGap",
      "streamPosition",
    ]),
  };
}

/** The query of a poll or stream, as the binding of its operation tells it. */
export function readingQuery(more: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: "object",
    required: ["filter"],
    properties: {
      filter: { type: "array", minItems: 1, items: ref("Filter") },
      cursor: ref("Start"),
      retained: { type: "boolean" },
      ...more,
    },
  };
}

function serverRefs(names: readonly string[]): readonly Part[] {
  return names.map((name) => ({ $ref: `#/servers/${name}` }));
}

function messageRefs(names: readonly string[]): Readonly<Record<string, Part>> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}
