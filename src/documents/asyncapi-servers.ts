import type { DocumentAddress, DocumentFacts } from "./facts.ts";
import type { Part } from "./json-schema.ts";

/** The servers of each kind, by name. */
export interface DocumentedServers {
  readonly servers: Readonly<Record<string, Part>>;
  /** Names of the servers on which HTTP, WebSocket, MQTT (over either) and raw TCP are spoken. */
  readonly http: readonly string[];
  readonly websocket: readonly string[];
  readonly mqtt: readonly string[];
  readonly tcp: readonly string[];
}

interface Server {
  readonly name: string;
  readonly kind: "http" | "websocket" | "mqtt" | "tcp";
  readonly part: Part;
}

/** AsyncAPI's names of protocols, by the scheme of an address. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  mqtt: "mqtt",
  mqtts: "secure-mqtt",
  tcp: "tcp",
  tls: "tls",
};

/** Every listener, once for each protocol that is spoken on it. */
export function documentedServers(facts: DocumentFacts): DocumentedServers {
  const listeners = facts.addresses.length === 0 ? configured(facts) : facts.addresses;
  const all = listeners.flatMap((address) => serversOf(address, facts));
  const named = (kind: Server["kind"]) =>
    all.filter((server) => server.kind === kind).map(({ name }) => name);
  return {
    servers: Object.fromEntries(all.map(({ name, part }) => [name, part])),
    http: named("http"),
    websocket: named("websocket"),
    mqtt: named("mqtt"),
    tcp: named("tcp"),
  };
}

/** What will be listened on, for a document that is asked for before all of it is. */
function configured({ config }: DocumentFacts): readonly DocumentAddress[] {
  const { http, mqtt, tcp } = config;
  return [
    ...listenersOf("mqtt", mqtt, ["mqtt", "mqtts"]),
    ...listenersOf("http", http, ["http", "https"]),
    ...listenersOf("tcp", tcp, ["tcp", "tls"]),
  ];
}

interface Listening {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
}

function listenersOf(
  transport: string,
  plain: Listening & { readonly tls: Listening },
  schemes: readonly [string, string],
): readonly DocumentAddress[] {
  return [plain, plain.tls].flatMap(({ enabled, host, port }, index) => {
    const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    return enabled ? [{ transport, url: `${schemes[index]}://${authority}` }] : [];
  });
}

function serversOf({ transport, url }: DocumentAddress, facts: DocumentFacts): readonly Server[] {
  const [scheme = "", rest = ""] = url.split("://", 2);
  const isTls = scheme === "https" || scheme === "mqtts" || scheme === "tls";
  const tls = isTls ? "Tls" : "";
  const { host, variables } = hostOf(rest.split("/", 1)[0] ?? "");
  const server = (
    name: string,
    kind: Server["kind"],
    protocol: string,
    description: string,
    more: Part = {},
  ): Server => ({
    name: `${name}${tls}`,
    kind,
    part: {
      host,
      protocol,
      description,
      ...more,
      variables,
      security: isTls ? [...PASSWORD, ...CERTIFICATE] : PASSWORD,
    },
  });
  if (transport === "mqtt") {
    const version = { protocolVersion: facts.config.mqtt.engine === "native" ? "5" : "3.1.1" };
    return [server("mqtt", "mqtt", PROTOCOLS[scheme] ?? scheme, "MQTT over TCP.", version)];
  }
  if (transport === "tcp") {
    const text = "One JSON object a line, ended by LF.";
    return [server("tcp", "tcp", PROTOCOLS[scheme] ?? scheme, text)];
  }
  const ws = isTls ? "wss" : "ws";
  return [
    server("http", "http", isTls ? "https" : "http", "HTTP/1.1: publish, poll, event stream."),
    server("websocket", "websocket", ws, "WebSocket (RFC 6455)."),
    server("mqttOverWebSocket", "mqtt", ws, "MQTT in binary WebSocket frames.", {
      pathname: facts.config.mqtt.websocketPath,
    }),
  ];
}

/** Port and host apart: a gateway that listens on every address does not know its name. */
function hostOf(authority: string): { readonly host: string; readonly variables: Part } {
  const colon = authority.lastIndexOf(":");
  const host = authority.slice(0, colon);
  const isEvery = host === "0.0.0.0" || host === "[::]";
  return {
    host: `{host}${authority.slice(colon)}`,
    variables: {
      host: {
        description: "A name or address of the gateway.",
        default: isEvery ? "localhost" : host,
      },
    },
  };
}

const PASSWORD: readonly Part[] = [{ $ref: "#/components/securitySchemes/userPassword" }];
const CERTIFICATE: readonly Part[] = [{ $ref: "#/components/securitySchemes/certificate" }];
