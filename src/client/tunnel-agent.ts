import { Agent, type AgentOptions, type ClientRequestArgs } from "node:http";
import { type AgentOptions as TlsAgentOptions, Agent as TlsAgent } from "node:https";
import { type Duplex, PassThrough } from "node:stream";
import type { ProxyAddress } from "./proxy.ts";
import { type Destination, openTlsTunnel, openTunnel } from "./proxy-tunnel.ts";

type OnConnection = (cause: Error | null, stream: Duplex) => void;

/**
 * Connections of HTTP and WebSocket clients through a proxy, each a tunnel: the requests themselves
 * are as they would be without it.
 */
class TunnelAgent extends Agent {
  readonly #proxy: ProxyAddress;

  constructor(proxy: ProxyAddress, settings: AgentOptions) {
    super(settings);
    this.#proxy = proxy;
  }

  override createConnection(options: ClientRequestArgs, callback?: OnConnection): undefined {
    pass(openTunnel(this.#proxy, destinationOf(options)), callback);
  }
}

class TlsTunnelAgent extends TlsAgent {
  readonly #proxy: ProxyAddress;

  constructor(proxy: ProxyAddress, settings: TlsAgentOptions) {
    super(settings);
    this.#proxy = proxy;
  }

  override createConnection(options: ClientRequestArgs, callback?: OnConnection): undefined {
    const { host: _host, port: _port, path: _path, ...tls } = options;
    pass(openTlsTunnel(this.#proxy, destinationOf(options), tls), callback);
  }
}

/** An agent for `http:` and `ws:`, or for `https:` and `wss:` URLs. */
export function tunnelAgent(proxy: ProxyAddress, isTls: boolean, settings: TlsAgentOptions): Agent {
  return isTls ? new TlsTunnelAgent(proxy, settings) : new TunnelAgent(proxy, settings);
}

function destinationOf({ host, hostname, port }: ClientRequestArgs): Destination {
  return { host: host ?? hostname ?? "localhost", port: Number(port ?? 80) };
}

function pass(opening: Promise<Duplex>, callback: OnConnection | undefined): void {
  opening.then(
    (stream) => callback?.(null, stream),
    // Beside a cause the stream is not looked at; the type wants one.
    (cause: Error) => callback?.(cause, new PassThrough()),
  );
}
