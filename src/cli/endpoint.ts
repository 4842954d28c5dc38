import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Credentials } from "../client/client-options.ts";
import { type ProxyAddress, ProxyError, parseProxy } from "../client/proxy.ts";
import { DEFAULT_TLS, type TlsClientOptions } from "../client/tls-client-options.ts";
import { addTlsOptions, readTlsOptions, type TlsOptions, wantsTls } from "./tls-options.ts";
import { UsageError } from "./usage-error.ts";

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
  /** `null` without TLS. */
  readonly tls: TlsClientOptions | null;
  /** `null`: straight to the gateway. */
  readonly proxy: ProxyAddress | null;
}

interface DefaultUrl {
  readonly scheme: string;
  readonly port: number;
  readonly path: string;
}

/** The gateway's defaults: what `tributary serve` listens on when nothing else is said. */
const DEFAULT_URL: Readonly<Record<Via, DefaultUrl>> = {
  mqtt: { scheme: "mqtt", port: 1883, path: "" },
  "mqtt-ws": { scheme: "ws", port: 8080, path: "/mqtt" },
  websocket: { scheme: "ws", port: 8080, path: "/ws" },
  "websocket-binary": { scheme: "ws", port: 8080, path: "/ws" },
  sse: { scheme: "http", port: 8080, path: "" },
  poll: { scheme: "http", port: 8080, path: "" },
  http: { scheme: "http", port: 8080, path: "" },
  tcp: { scheme: "tcp", port: 7083, path: "" },
};

/** The same over TLS, by the scheme of the plain address. */
const OVER_TLS: Readonly<Record<string, { readonly scheme: string; readonly port: number }>> = {
  mqtt: { scheme: "mqtts", port: 8883 },
  ws: { scheme: "wss", port: 8443 },
  http: { scheme: "https", port: 8443 },
  tcp: { scheme: "tls", port: 7084 },
};

const TLS_SCHEMES = Object.values(OVER_TLS).map(({ scheme }) => scheme);

/** The options as commander reads them. */
export interface EndpointOptions extends TlsOptions {
  readonly via: Via;
  readonly host: string;
  readonly port?: number;
  readonly url?: string;
  readonly user?: string;
  readonly password?: string;
  readonly proxy?: string;
}

/**
 * Adds the options that say where to connect; `vias` are those the command can use. Commander does
 * not hold a default to the choices, so a command that cannot use MQTT begins with its first.
 */
export function addEndpointOptions(command: Command, vias: readonly Via[]): Command {
  const first = vias.includes("mqtt") ? "mqtt" : vias[0];
  command
    .addOption(new Option("--via <transport>", "how to connect").choices(vias).default(first))
    .option("-h, --host <host>", "host of the gateway", "127.0.0.1")
    .option("-p, --port <port>", "port of the transport's listener", parsePort)
    .option("--url <url>", "the whole address, in place of host and port")
    .option("-u, --user <name>", "user name")
    .option("-P, --password <text>", "password")
    .option("--proxy <url>", PROXY_HELP);
  return addTlsOptions(command);
}

/** What `--proxy` is, in the help of every command that has it. */
export const PROXY_HELP =
  "go through a proxy: socks5://, socks5h://, http:// or https://[USER:PASSWORD@]HOST:PORT";

/** Reads `--proxy`; `null` when it was not given. Throws {@link UsageError}. */
export function readProxy(text: string | undefined): ProxyAddress | null {
  if (text === undefined) return null;
  try {
    return parseProxy(text);
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    throw new UsageError(`--proxy: ${cause.message}`, { cause });
  }
}

/** The address and credentials that the options name. Throws {@link UsageError}. */
export function endpointOf(options: EndpointOptions): Endpoint {
  const plain = DEFAULT_URL[options.via];
  const { scheme, port } = { ...plain, ...(wantsTls(options) ? OVER_TLS[plain.scheme] : {}) };
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const { user, password = "" } = options;
  const url = options.url ?? `${scheme}://${host}:${options.port ?? port}${plain.path}`;
  return {
    via: options.via,
    url,
    credentials: user === undefined ? undefined : { user, password },
    tls: tlsOf(url, options),
    proxy: readProxy(options.proxy),
  };
}

/** What was meant to be secret must not leave in the clear because the address was written so. */
function tlsOf(url: string, options: TlsOptions): TlsClientOptions | null {
  const isSecure = TLS_SCHEMES.some((scheme) => url.startsWith(`${scheme}://`));
  if (!wantsTls(options)) return isSecure ? DEFAULT_TLS : null;
  if (isSecure) return readTlsOptions(options);
  throw new UsageError(`${url} is no address of TLS; those begin with ${TLS_SCHEMES.join(", ")}`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("a port is a whole number of 1 to 65535.");
}
