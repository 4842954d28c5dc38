import { Agent, type AgentOptions, type ClientRequestArgs } from "node:http";
import { type AgentOptions as TlsAgentOptions, Agent as TlsAgent } from "node:https";
import { type Duplex, PassThrough } from "node:stream";
import type { ProxyAddress } from "./proxy.ts";
import { type Destination, openTlsTunnel, openTunnel } from "./proxy-tunnel.ts";

type OnFailure = (cause: Error) => void;
type OnConnection = (cause: Error | null, stream: Duplex) => void;

/**
 * Connections of HTTP and WebSocket clients through a proxy, each a tunnel: the requests themselves
 * are as they would be without it.
 */
class TunnelAgent extends Agent {
  readonly #proxy: ProxyAddress;

  readonly #onFailure: OnFailure;

  constructor(proxy: ProxyAddress, settings: AgentOptions, onFailure: OnFailure) {
    super(settings);
    this.#proxy = proxy;
    this.#onFailure = onFailure;
  }

  override createConnection(options: ClientRequestArgs, callback?: OnConnection): undefined {
    pass(openTunnel(this.#proxy, destinationOf(options)), callback, this.#onFailure);
  }
}

class TlsTunnelAgent extends TlsAgent {
  readonly #proxy: ProxyAddress;

  readonly #onFailure: OnFailure;

  constructor(proxy: ProxyAddress, settings: TlsAgentOptions, onFailure: OnFailure) {
    super(settings);
    this.#proxy = proxy;
    this.#onFailure = onFailure;
  }

  override createConnection(options: ClientRequestArgs, callback?: OnConnection): undefined {
    const { host: _host, port: _port, path: _path, ...tls } = options;
    pass(openTlsTunnel(this.#proxy, destinationOf(options), tls), callback, this.#onFailure);
  }
}

/**
 * An agent for `http:` and `ws:`, or for `https:` and `wss:` URLs. `onFailure` is told why a tunnel did
 * not come about, for users whose library keeps that to itself.
 */
export function tunnelAgent(
  proxy: ProxyAddress,
  isTls: boolean,
  settings: TlsAgentOptions,
  onFailure: OnFailure = () => undefined,
): Agent {
  return isTls
    ? new TlsTunnelAgent(proxy, settings, onFailure)
    : new TunnelAgent(proxy, settings, onFailure);
}

function destinationOf({ host, hostname, port }: ClientRequestArgs): Destination {
  return { host: host ?? hostname ?? "localhost", port: Number(port ?? 80) };
}

function pass(
  opening: Promise<Duplex>,
  callback: OnConnection | undefined,
  onFailure: OnFailure,
): void {
  opening.then(
    (stream) => callback?.(null, stream),
    (cause: Error) => {
      onFailure(cause);
      // Beside a cause the stream is not looked at; the type wants one.
      callback?.(cause, new PassThrough());
    },
  );
}
