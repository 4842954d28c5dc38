import type { DocumentedConfig } from "./facts.ts";
import { type AnswerHeader, bareHeaders, headers } from "./http-headers.ts";
import { type JsonSchema, type Part, ref } from "./json-schema.ts";
import {
  headOf,
  json,
  jsonContent,
  type OperationTraits,
  operation,
  optionsOf,
  queryParameter,
  requestHeader,
} from "./openapi-operation.ts";

const REPORTS = "reports";
const HEALTH = "health";
const UPGRADES = "upgrades";

/** The paths that tell about the gateway itself. */
export function operatorPaths(): Readonly<Record<string, Part>> {
  const max = queryParameter("max", "Entries in the list.", LISTED);
  return {
    "/v1/status": reading({
      id: "status",
      tag: REPORTS,
      summary: "What the gateway is doing",
      answers: { 200: json("Now.", "Status") },
    }),
    "/v1/sessions": reading({
      id: "sessions",
      tag: REPORTS,
      summary: "Who is connected",
      parameters: [max],
      answers: { 200: json("Oldest first.", "Sessions") },
    }),
    "/v1/topics": reading({
      id: "topics",
      tag: REPORTS,
      summary: "Topics that hold a retained message",
      parameters: [queryParameter("filter", "Which of them; # when absent.", ref("Filter")), max],
      codes: ["invalid_filter"],
      answers: { 200: json("Oldest first.", "RetainedTopics") },
    }),
    "/v1/log-level": {
      ...reading({
        id: "logLevel",
        tag: REPORTS,
        summary: "How much is logged",
        answers: { 200: json("Now.", "LogLevel", { level: "info" }) },
      }),
      put: operation({
        id: "setLogLevel",
        tag: REPORTS,
        summary: "Log more, or less",
        description:
          "Until the process ends or it is changed again; SIGUSR2 turns debug on and off.",
        body: { required: true, content: jsonContent("LogLevel", { level: "debug" }) },
        answers: { 200: json("It is so.", "LogLevel", { level: "debug" }) },
        codes: ["unsupported_media_type"],
      }),
    },
    ...healthPaths(),
    ...documentPaths(),
  };
}

/** The status report lists no more: larger answers would stall the process. */
const LISTED: JsonSchema = { type: "integer", minimum: 1, maximum: 1_000, default: 1_000 };

function healthPaths(): Readonly<Record<string, Part>> {
  return {
    "/healthz": reading({
      id: "live",
      tag: HEALTH,
      summary: "Whether the process is alive",
      isOpen: true,
      answers: { 200: json("It is.", "Live", { live: true }) },
    }),
    "/readyz": reading({
      id: "ready",
      tag: HEALTH,
      summary: "Whether traffic may be sent here",
      isOpen: true,
      answers: {
        200: json("It may.", "Ready", { ready: true, reasons: [] }),
        503: json("It may not, for these reasons.", "Ready", {
          ready: false,
          reasons: [{ name: "drain", text: "the gateway is about to stop" }],
        }),
      },
    }),
    "/metrics": reading({
      id: "metrics",
      tag: HEALTH,
      summary: "Metrics for Prometheus",
      isOpen: true,
      answers: { 200: text("The text format of Prometheus.", "text/plain", "Cache-Control") },
    }),
  };
}

function documentPaths(): Readonly<Record<string, Part>> {
  const document = (id: string, summary: string) =>
    reading({
      id,
      tag: HEALTH,
      summary,
      isOpen: true,
      answers: {
        200: {
          description: "The document.",
          headers: headers("Cache-Control"),
          content: { "application/json": { schema: { type: "object" } } },
        },
      },
    });
  return {
    "/openapi.json": document("openapi", "This document"),
    "/asyncapi.json": document("asyncapi", "The AsyncAPI document of all protocols"),
    "/": reading({
      id: "home",
      tag: HEALTH,
      summary: "A page for people",
      isOpen: true,
      answers: {
        200: text(
          "Where things are.",
          "text/html",
          "Cache-Control",
          "Content-Security-Policy",
          "X-Content-Type-Options",
        ),
      },
    }),
  };
}

function text(description: string, mediaType: string, ...names: readonly AnswerHeader[]): Part {
  return {
    description,
    headers: headers(...names),
    content: { [mediaType]: { schema: { type: "string" } } },
  };
}

function reading(traits: OperationTraits): Part {
  return {
    get: operation(traits),
    head: headOf(traits),
    options: optionsOf(traits.id, traits.tag),
  };
}

/** The paths at which an HTTP connection becomes a WebSocket. */
export function upgradePaths({
  mqtt,
  websocket,
}: DocumentedConfig): Readonly<Record<string, Part>> {
  const commands = "tributary.v1.json, tributary.v1.binary, mqtt or mqttv3.1";
  return {
    [websocket.path]: handshake("websocket", commands),
    [mqtt.websocketPath]: handshake("mqttOverWebSocket", "mqtt or mqttv3.1"),
  };
}

function handshake(id: string, subprotocols: string): Part {
  const traits: OperationTraits = {
    id,
    tag: UPGRADES,
    summary: "Speak WebSocket (RFC 6455)",
    description:
      "What is said then is in the AsyncAPI document. A request that does not ask to upgrade is " +
      "answered `400`.",
    parameters: [
      requestHeader("Sec-WebSocket-Protocol", `Any of ${subprotocols}, best first.`, {
        type: "string",
      }),
      requestHeader("Origin", "Of the page that asks; an allowed one, or the gateway's own.", {
        type: "string",
      }),
    ],
    isHandshake: true,
    answers: {},
    codes: ["not_found", "draining"],
  };
  const switching = {
    101: {
      description: "The connection is a WebSocket from here on.",
      headers: bareHeaders(
        "Upgrade",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
      ),
    },
  };
  return {
    get: operation({ ...traits, answers: switching }),
    head: headOf(traits),
    options: optionsOf(id, UPGRADES),
  };
}
