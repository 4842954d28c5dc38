import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Credentials } from "../client/client-options.ts";

/** Ways to publish and to read that the commands know. */
export const VIAS = [
  "mqtt",
  "mqtt-ws",
  "websocket",
  "websocket-binary",
  "sse",
  "poll",
  "http",
  "tcp",
] as const;

export type Via = (typeof VIAS)[number];

/** Where and as whom a command connects. */
export interface Endpoint {
  readonly via: Via;
  readonly url: string;
  readonly credentials: Credentials | undefined;
}

/** The gateway's defaults: what `tributary serve` listens on when nothing else is said. */
const DEFAULT_URL: Readonly<Record<Via, { scheme: string; port: number; path: string }>> = {
  mqtt: { scheme: "mqtt", port: 1883, path: "" },
  "mqtt-ws": { scheme: "ws", port: 8080, path: "/mqtt" },
  websocket: { scheme: "ws", port: 8080, path: "/ws" },
  "websocket-binary": { scheme: "ws", port: 8080, path: "/ws" },
  sse: { scheme: "http", port: 8080, path: "" },
  poll: { scheme: "http", port: 8080, path: "" },
  http: { scheme: "http", port: 8080, path: "" },
  tcp: { scheme: "tcp", port: 7083, path: "" },
};

/** The options as commander reads them. */
export interface EndpointOptions {
  readonly via: Via;
  readonly host: string;
  readonly port?: number;
  readonly url?: string;
  readonly user?: string;
  readonly password?: string;
}

/** Adds the options that say where to connect; `vias` are those the command can use. */
export function addEndpointOptions(command: Command, vias: readonly Via[]): Command {
  return command
    .addOption(new Option("--via <transport>", "how to connect").choices(vias).default("mqtt"))
    .option("-h, --host <host>", "host of the gateway", "127.0.0.1")
    .option("-p, --port <port>", "port of the transport's listener", parsePort)
    .option("--url <url>", "the whole address, in place of host and port")
    .option("-u, --user <name>", "user name")
    .option("-P, --password <text>", "password");
}

/** The address and credentials that the options name. */
export function endpointOf(options: EndpointOptions): Endpoint {
  const { scheme, port, path } = DEFAULT_URL[options.via];
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const { user, password = "" } = options;
  return {
    via: options.via,
    url: options.url ?? `${scheme}://${host}:${options.port ?? port}${path}`,
    credentials: user === undefined ? undefined : { user, password },
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("a port is a whole number of 1 to 65535.");
}
