import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../errors.ts";

/** The subprotocols of the gateway's own commands. */
export const COMMAND_SUBPROTOCOLS = ["tributary.v1.json", "tributary.v1.binary"] as const;

/** One of the gateway's own. */
export type CommandSubprotocol = (typeof COMMAND_SUBPROTOCOLS)[number];

/** What MQTT clients offer: MQTT 3.1.1 and 5 [MQTT-6.0.0-3], and MQTT 3.1 before there was a rule. */
export const MQTT_SUBPROTOCOLS = ["mqtt", "mqttv3.1"] as const;

/** What is served where. */
export interface HandshakeOptions {
  readonly path: string;
  /** Path of MQTT alone; `null` when MQTT is not served over WebSocket. */
  readonly mqttPath: string | null;
  /** Origins that may connect beside the gateway's own; `*` for every one. */
  readonly allowedOrigins: readonly string[];
}

/** What a handshake asks for; `name` is `null` when the client named no subprotocol. */
export type Handshake =
  | {
      readonly speaks: "commands";
      readonly subprotocol: CommandSubprotocol;
      readonly name: string | null;
    }
  | { readonly speaks: "mqtt"; readonly name: string | null };

/** RFC 6455 §4.1: 16 bytes in base64. */
const KEY_PATTERN = /^[A-Za-z0-9+/]{22}==$/;

/** RFC 9110 §5.6.2. */
const TOKEN_PATTERN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Checks everything RFC 6455 §4.2.1 asks of a handshake, and what we ask. Throws the refusal. */
export function readHandshake(request: IncomingMessage, options: HandshakeOptions): Handshake {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const isMqttPath = options.mqttPath !== null && path === options.mqttPath;
  if (path !== options.path && !isMqttPath) {
    throw new GatewayError("not_found", `no WebSocket is served at this path; try ${options.path}`);
  }
  checkUpgrade(request);
  checkOrigin(request, options.allowedOrigins);
  return chooseSubprotocol(request.headers["sec-websocket-protocol"], options, isMqttPath);
}

function checkUpgrade(request: IncomingMessage): void {
  if (request.method !== "GET") {
    const method = JSON.stringify(request.method ?? "");
    throw new GatewayError("method_not_allowed", `a WebSocket handshake is a GET, not ${method}`);
  }
  const { headers } = request;
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    throw new GatewayError("bad_request", "the Upgrade header must be websocket");
  }
  if (!KEY_PATTERN.test(headers["sec-websocket-key"] ?? "")) {
    throw new GatewayError("bad_request", "Sec-WebSocket-Key must be 16 bytes in base64");
  }
  if (headers["sec-websocket-version"] !== "13") {
    throw new GatewayError("bad_request", "Sec-WebSocket-Version must be 13");
  }
}

/**
 * Browsers let any page open a WebSocket to any host and send its cookies and its place in the
 * network along, so a foreign page is refused unless it is allowed (RFC 6455 §10.2). A client that
 * is no browser sends no Origin.
 */
function checkOrigin(request: IncomingMessage, allowed: readonly string[]): void {
  const { origin, host } = request.headers;
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return;
  if (URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase()) {
    return;
  }
  const shown = JSON.stringify(origin.slice(0, 100));
  throw new GatewayError("forbidden", `origin ${shown} may not connect; see allowedOrigins`);
}

/** The first the client offers that is served here, as it is the client's order that counts. */
function chooseSubprotocol(
  header: string | undefined,
  options: HandshakeOptions,
  isMqttPath: boolean,
): Handshake {
  if (header === undefined) {
    if (isMqttPath) return { speaks: "mqtt", name: null };
    return { speaks: "commands", subprotocol: "tributary.v1.json", name: null };
  }
  const offered = header.split(",").map((name) => name.trim());
  if (!offered.every((name) => TOKEN_PATTERN.test(name))) {
    throw new GatewayError("bad_request", "Sec-WebSocket-Protocol is not a list of tokens");
  }
  for (const name of offered) {
    const isMqtt = MQTT_SUBPROTOCOLS.some((known) => known === name);
    if (isMqtt && options.mqttPath !== null) return { speaks: "mqtt", name };
    const subprotocol = COMMAND_SUBPROTOCOLS.find((known) => known === name);
    if (subprotocol !== undefined && !isMqttPath) return { speaks: "commands", subprotocol, name };
  }
  const served = [
    ...(isMqttPath ? [] : COMMAND_SUBPROTOCOLS),
    ...(options.mqttPath === null ? [] : MQTT_SUBPROTOCOLS),
  ];
  throw new GatewayError(
    "bad_request",
    `none of the subprotocols offered is served here; offer one of ${served.join(", ")}`,
  );
}
