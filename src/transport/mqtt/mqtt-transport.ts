import { createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import type { TransportName } from "../../bus/message.ts";
import { certificateCredentials } from "../../security/tls-peer.ts";
import { Listener, type TlsListening } from "../listener.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { wireSocketOf } from "../wire-socket.ts";
import { AedesEngine } from "./aedes/aedes-engine.ts";
import type { MqttEngine } from "./engine.ts";
import {
  type ConnectionParts,
  MqttConnection,
  type MqttPeer,
  turnAway,
} from "./mqtt-connection.ts";
import { NativeEngine } from "./native/native-engine.ts";
import type { MqttOptions } from "./options.ts";

/** A peer that vanished without a word is noticed by the kernel: a client may have no keep-alive. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

/** MQTT over TCP and TLS on listeners of its own, and over streams that another transport hands in. */
export class MqttTransport implements Transport {
  readonly #context: TransportContext;
  readonly #options: MqttOptions;
  readonly #engine: MqttEngine;
  readonly #parts: ConnectionParts;
  readonly #connections = new Set<MqttConnection>();
  /** Streams that were turned away and have not closed yet. */
  readonly #leaving = new Set<Duplex>();
  readonly #listeners: Listener[] = [];
  #isEnding = false;
  #whenEmpty: (() => void)[] = [];

  constructor(context: TransportContext, options: MqttOptions) {
    this.#context = context;
    this.#options = options;
    this.#engine =
      options.engine === "native"
        ? new NativeEngine(context, options)
        : new AedesEngine(context, options);
    this.#parts = { context, options, engine: this.#engine };
  }

  async start(): Promise<readonly ListenAddress[]> {
    await this.#engine.start();
    const { enabled, tlsListener } = this.#options;
    if (enabled) this.#listeners.push(this.#plainListener());
    if (tlsListener !== null) this.#listeners.push(this.#tlsListener(tlsListener));
    const addresses: ListenAddress[] = [];
    for (const listener of this.#listeners) addresses.push(await listener.open());
    return addresses;
  }

  /** Takes a byte stream that carries MQTT, such as the binary messages of a WebSocket. */
  acceptStream(stream: Duplex, peer: MqttPeer): void {
    this.#accept(stream, peer, "mqtt-ws");
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#isEnding = true;
    this.#engine.drain();
    void this.#closeListeners();
    for (const connection of [...this.#connections]) connection.drain();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#emptied(), deadline]);
    clearTimeout(timer);
    for (const connection of [...this.#connections]) connection.leave();
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#engine.drain();
    const closed = this.#closeListeners();
    for (const connection of [...this.#connections]) connection.kill();
    for (const stream of [...this.#leaving]) stream.destroy();
    await Promise.all([closed, this.#emptied()]);
    await this.#engine.stop();
  }

  #plainListener(): Listener {
    const { host, port, maxConnections } = this.#options;
    // Half-open, because a client that has said its last word may still wait for the answer to it.
    const server = createServer({ ...SOCKET_OPTIONS, allowHalfOpen: true }, (socket) =>
      this.#acceptSocket(socket),
    );
    server.maxConnections = maxConnections;
    const place = { transport: "mqtt", scheme: "mqtt", host, port } as const;
    return Listener.plain(server, place, this.#context.logger);
  }

  #tlsListener({ certificate, host, port }: TlsListening): Listener {
    // The name of MQTT in ALPN is registered; a client that offers none is served, too.
    const server = createTlsServer({ ...SOCKET_OPTIONS, ...certificate.serverOptions(["mqtt"]) });
    server.maxConnections = this.#options.maxConnections;
    const place = { transport: "mqtt", scheme: "mqtts", host, port } as const;
    const listener = Listener.tls(server, certificate, place, this.#context.logger);
    server.on("secureConnection", (socket) => {
      if (socket.destroyed) return;
      // Not before: a connection that ends in its handshake is to be gone.
      socket.allowHalfOpen = true;
      this.#acceptSocket(socket);
    });
    return listener;
  }

  #acceptSocket(socket: Socket): void {
    const { observer } = this.#context;
    observer.carries(wireSocketOf(socket), "mqtt");
    socket.once("close", () => observer.closed(wireSocketOf(socket)));
    const peer = {
      address: socket.remoteAddress ?? "",
      certificate: certificateCredentials(socket),
    };
    this.#accept(socket, peer, "mqtt");
  }

  #accept(stream: Duplex, peer: MqttPeer, transport: TransportName): void {
    if (this.#isEnding) {
      this.#turnAway(stream);
      return;
    }
    try {
      const connection = new MqttConnection(stream, peer, transport, this.#parts, (over) =>
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

  /** Resolves when no connection of the listeners is left either. */
  async #closeListeners(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}
