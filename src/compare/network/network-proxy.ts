import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { NetworkProfile } from "./network-profile.ts";
import { type Direction, type Place, ProxiedConnection } from "./proxied-connection.ts";

/** Connections of one proxy at a time; more are refused by the kernel's queue and a reset. */
const MAX_CONNECTIONS = 20_000;

/** What a proxy has seen. */
export interface ProxyCounts {
  /** Open now. */
  readonly connections: number;
  /** Ever accepted. */
  readonly accepted: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly reset: number;
  /** Connections on which a direction was made silent. */
  readonly silenced: number;
  /** Connections that the translator forgot and that noticed. */
  readonly forgotten: number;
}

export interface ProxyOptions {
  readonly target: Place;
  readonly profile: NetworkProfile;
  /** All that is random follows from it and the order of connections. */
  readonly seed: number;
}

/** A TCP proxy on a free loopback port that makes the network of a profile, and breaks it on demand. */
export class NetworkProxy {
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #options: ProxyOptions;
  #target: Place;
  #accepted = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #reset = 0;
  #silenced = 0;
  #forgotten = 0;

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#target = options.target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  static async start(options: ProxyOptions): Promise<NetworkProxy> {
    const proxy = new NetworkProxy(options);
    proxy.#server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has stopped");
    return address.port;
  }

  get counts(): ProxyCounts {
    return {
      connections: this.#connections.size,
      accepted: this.#accepted,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      reset: this.#reset,
      silenced: this.#silenced,
      forgotten: this.#forgotten,
    };
  }

  /** Ends every open connection with a reset; bytes on the way are lost. */
  reset(): void {
    for (const connection of this.#connections) {
      this.#reset += 1;
      connection.reset();
    }
  }

  /** Open connections go silent, in one direction or both; later ones are not concerned. */
  halfOpen(directions: readonly Direction[]): void {
    for (const connection of this.#connections) {
      this.#silenced += 1;
      for (const direction of directions) connection.silence(direction);
    }
  }

  /** On open connections nothing passes for so long; all of it comes afterwards. */
  stall(durationMs: number, directions: readonly Direction[]): void {
    const untilMs = performance.now() + durationMs;
    for (const connection of this.#connections) {
      for (const direction of directions) connection.stallUntil(direction, untilMs);
    }
  }

  /** Where connections from now on lead: a gateway that came back elsewhere. */
  retarget(target: Place): void {
    this.#target = target;
  }

  /** Resets what is open and listens no more. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const connection of this.#connections) connection.reset();
    await closed;
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const connection: ProxiedConnection = new ProxiedConnection({
      client,
      target: this.#target,
      profile: this.#options.profile,
      seed: this.#options.seed + this.#accepted,
      onBytes: (direction, count) => {
        if (direction === "up") this.#bytesUp += count;
        else this.#bytesDown += count;
      },
      onForgotten: () => {
        this.#forgotten += 1;
      },
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}
