import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Targets } from "../driver/driver.ts";
import type { EgressName, IngressName } from "../plan.ts";
import type { WireAccount } from "./account.ts";
import { CommandLineAccount } from "./command-line-account.ts";
import { HttpAccount } from "./http-account.ts";
import { MqttAccount } from "./mqtt-account.ts";
import { type Direction, WireTally } from "./wire-tally.ts";

/** Addresses that a transport connects to, and what is spoken there. */
type Endpoint = "http" | "mqtt-ws" | "mqtt" | "tcp";

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "ws:": 80,
  "wss:": 443,
  "mqtt:": 1883,
  "mqtts:": 8883,
  "tcp:": 7083,
  "tls:": 7084,
};

const TLS_SCHEMES = new Set(["https:", "wss:", "mqtts:", "tls:"]);

/**
 * A place between one client and the gateway where every byte is seen: a relay on a loopback port.
 * It adds its own delay and work, so nothing is timed through it. Bytes are those of the client's
 * socket; what TCP and IP add is not in them.
 */
export class Tap {
  readonly tally = new WireTally();
  /** The gateway's addresses, with the tap's in place of the one it stands before. */
  readonly targets: Targets;
  /** Whether bytes are told apart by cause: what TLS carries cannot be. */
  readonly knowsCauses: boolean;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, targets: Targets, upstream: URL, endpoint: Endpoint) {
    this.#server = server;
    this.targets = targets;
    this.knowsCauses = !TLS_SCHEMES.has(upstream.protocol);
    server.on("connection", (client) => this.#relay(client, upstream, endpoint));
  }

  /** Opens a tap before the address that the named publisher or reader uses. */
  static async open(name: IngressName | EgressName, targets: Targets): Promise<Tap> {
    const endpoint = endpointOf(name);
    const upstream = new URL(addressOf(endpoint, targets));
    // Half of a connection may end first, as the relayed one does.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the tap has no port");
    return new Tap(server, replaced(endpoint, targets, address.port), upstream, endpoint);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #relay(client: Socket, upstream: URL, endpoint: Endpoint): void {
    const port = Number(upstream.port || DEFAULT_PORTS[upstream.protocol]);
    const host = upstream.hostname.replace(/^\[|\]$/g, "");
    const gateway = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const account = this.knowsCauses ? accountOf(endpoint, this.tally) : null;
    this.tally.addConnection();
    this.#join("up", client, gateway, account);
    this.#join("down", gateway, client, account);
  }

  #join(direction: Direction, from: Socket, to: Socket, account: WireAccount | null): void {
    this.#sockets.add(from);
    from.on("data", (bytes: Buffer) => {
      this.tally.addRaw(direction, bytes.length);
      account?.take(direction, bytes);
      to.write(bytes);
    });
    from.on("end", () => to.end());
    // One end that breaks breaks the other; whose fault it is, its own end is told.
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroySoon();
    });
  }
}

function endpointOf(name: IngressName | EgressName): Endpoint {
  if (name === "tcp" || name === "mqtt-ws") return name;
  return name.startsWith("mqtt") ? "mqtt" : "http";
}

function accountOf(endpoint: Endpoint, tally: WireTally): WireAccount {
  if (endpoint === "mqtt") return new MqttAccount(tally);
  return endpoint === "tcp" ? new CommandLineAccount(tally) : new HttpAccount(tally);
}

function addressOf(endpoint: Endpoint, targets: Targets): string {
  if (endpoint === "mqtt") return targets.mqttUrl;
  if (endpoint === "mqtt-ws") return targets.mqttWebsocketUrl;
  if (endpoint === "http") return targets.httpUrl;
  if (targets.tcpUrl === null) throw new Error("the plan uses tcp; no address is known");
  return targets.tcpUrl;
}

function replaced(endpoint: Endpoint, targets: Targets, port: number): Targets {
  const through = (url: string): string => {
    const tapped = new URL(url);
    tapped.port = String(port);
    // A certificate is for the name that was asked for, and the tap is on this host.
    if (!TLS_SCHEMES.has(tapped.protocol)) tapped.hostname = "127.0.0.1";
    return tapped.href.replace(/\/$/, "");
  };
  if (endpoint === "mqtt") return { ...targets, mqttUrl: through(targets.mqttUrl) };
  if (endpoint === "tcp") return { ...targets, tcpUrl: through(targets.tcpUrl ?? "") };
  if (endpoint === "mqtt-ws") {
    return { ...targets, mqttWebsocketUrl: through(targets.mqttWebsocketUrl) };
  }
  return {
    ...targets,
    httpUrl: through(targets.httpUrl),
    websocketUrl: through(targets.websocketUrl),
  };
}
