import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TransportName } from "../../bus/message.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { AedesEngine } from "./aedes/aedes-engine.ts";
import type { MqttEngine } from "./engine.ts";
import { type ConnectionParts, MqttConnection, turnAway } from "./mqtt-connection.ts";
import type { MqttOptions } from "./options.ts";

/** MQTT over TCP on a listener of its own, and over streams that another transport hands in. */
export class MqttTransport implements Transport {
  readonly #context: TransportContext;
  readonly #options: MqttOptions;
  readonly #engine: MqttEngine;
  readonly #parts: ConnectionParts;
  readonly #connections = new Set<MqttConnection>();
  /** Streams that were turned away and have not closed yet. */
  readonly #leaving = new Set<Duplex>();
  #server: Server | null = null;
  #isEnding = false;
  #serverClosed: Promise<void> | null = null;
  #whenEmpty: (() => void)[] = [];

  constructor(context: TransportContext, options: MqttOptions) {
    this.#context = context;
    this.#options = options;
    this.#engine = new AedesEngine(context, options);
    this.#parts = { context, options, engine: this.#engine };
  }

  async start(): Promise<readonly ListenAddress[]> {
    await this.#engine.start();
    const { host, port, maxConnections } = this.#options;
    // Half-open, because a client that has said its last word may still wait for the answer to it.
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#acceptSocket(socket),
    );
    server.maxConnections = maxConnections;
    this.#server = server;
    server.listen({ host, port });
    await once(server, "listening");
    server.on("error", (error) => this.#context.logger.error("mqtt listener failed", { error }));
    const bound = server.address();
    const boundPort = bound !== null && typeof bound === "object" ? bound.port : port;
    const shown = host.includes(":") ? `[${host}]` : host;
    return [{ transport: "mqtt", host, port: boundPort, url: `mqtt://${shown}:${boundPort}` }];
  }

  /** Takes a byte stream that carries MQTT, such as the binary messages of a WebSocket. */
  acceptStream(stream: Duplex, peer: { readonly address: string }): void {
    this.#accept(stream, peer.address, "mqtt-ws");
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#isEnding = true;
    this.#engine.drain();
    void this.#closeServer();
    for (const connection of [...this.#connections]) connection.drain();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#emptied(), deadline]);
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#engine.drain();
    const closed = this.#closeServer();
    for (const connection of [...this.#connections]) connection.kill();
    for (const stream of [...this.#leaving]) stream.destroy();
    await Promise.all([closed, this.#emptied()]);
    await this.#engine.stop();
  }

  #acceptSocket(socket: Socket): void {
    this.#accept(socket, socket.remoteAddress ?? "", "mqtt");
  }

  #accept(stream: Duplex, address: string, transport: TransportName): void {
    if (this.#isEnding) {
      this.#turnAway(stream);
      return;
    }
    try {
      const connection = new MqttConnection(stream, { address }, transport, this.#parts, (over) =>
        this.#forget(over),
      );
      this.#connections.add(connection);
    } catch {
      // Only the registry throws here, and only because its limit is reached.
      this.#turnAway(stream);
    }
  }

  #turnAway(stream: Duplex): void {
    this.#leaving.add(stream);
    stream.on("close", () => {
      this.#leaving.delete(stream);
      this.#tellEmpty();
    });
    turnAway(stream);
  }

  #forget(connection: MqttConnection): void {
    this.#connections.delete(connection);
    this.#tellEmpty();
  }

  #emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
      this.#tellEmpty();
    });
  }

  #tellEmpty(): void {
    if (this.#connections.size > 0 || this.#leaving.size > 0) return;
    for (const tell of this.#whenEmpty) tell();
    this.#whenEmpty = [];
  }

  /** Resolves when no connection of the listener is left either. */
  #closeServer(): Promise<void> {
    const server = this.#server;
    if (server === null) return Promise.resolve();
    this.#serverClosed ??= new Promise((resolve) => server.close(() => resolve()));
    return this.#serverClosed;
  }
}
