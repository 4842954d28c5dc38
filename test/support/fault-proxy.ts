import { once } from "node:events";
import net from "node:net";

/** A TCP proxy that breaks connections on demand. */
export class FaultProxy {
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  readonly #target: { readonly host: string; readonly port: number };
  /** Connections cut so far. */
  cuts = 0;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = net.createServer((client) => this.#join(client));
  }

  async start(): Promise<{ host: string; port: number }> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address() as net.AddressInfo;
    return { host: address.address, port: address.port };
  }

  /** Ends every open connection without a goodbye; bytes on the way are lost. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      this.cuts += 1;
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #join(client: net.Socket): void {
    const server = net.connect(this.#target);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.pipe(server);
    server.pipe(client);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of pair) {
      // A reset is what this proxy is for; the close that follows cleans up.
      socket.on("error", end);
      socket.on("close", end);
    }
  }
}
