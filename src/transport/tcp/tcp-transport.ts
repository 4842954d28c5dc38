import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { ANONYMOUS, type Identity } from "../../bus/ports.ts";
import { toGatewayError } from "../../errors.ts";
import { certificateCredentials } from "../../security/tls-peer.ts";
import { LineSplitter } from "../../wire/line.ts";
import { CommandSession } from "../command-session.ts";
import { CommandDelivery } from "../command-session-delivery.ts";
import { CommandSessionGroup } from "../command-session-group.ts";
import { type CommandSessionOptions, maxCommandBytes } from "../command-session-parts.ts";
import { Listener, type TlsListening } from "../listener.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { wireSocketOf } from "../wire-socket.ts";
import { TcpConnection } from "./tcp-connection.ts";
import { LineForm } from "./tcp-form.ts";

/** Settings of the transport; the names of the config. */
export interface TcpOptions extends CommandSessionOptions {
  /** Whether the plain listener is opened. */
  readonly enabled: boolean;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Of each listener. */
  readonly maxConnections: number;
  /** `null` for none. */
  readonly tlsListener: TlsListening | null;
}

/** A peer that vanished without a word is noticed by the kernel. */
const KEEP_ALIVE_AFTER_MS = 60_000;

const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  // Read once its identity is known.
  pauseOnConnect: true,
} as const;

/** Raw TCP: the commands of WebSocket, one JSON object a line. */
export class TcpTransport implements Transport {
  readonly #context: TransportContext;
  readonly #options: TcpOptions;
  readonly #form: LineForm;
  readonly #delivery: CommandDelivery;
  readonly #group: CommandSessionGroup;
  readonly #listeners: Listener[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(context: TransportContext, options: TcpOptions) {
    this.#context = context;
    this.#options = options;
    this.#form = new LineForm(context.limits);
    this.#delivery = new CommandDelivery(this.#form, context.bus, context.observer);
    this.#group = new CommandSessionGroup("tcp", context, options);
  }

  async start(): Promise<readonly ListenAddress[]> {
    const { enabled, tlsListener } = this.#options;
    if (enabled) this.#listeners.push(this.#plainListener());
    if (tlsListener !== null) this.#listeners.push(this.#tlsListener(tlsListener));
    const addresses: ListenAddress[] = [];
    for (const listener of this.#listeners) addresses.push(await listener.open());
    return addresses;
  }

  async drain(timeoutMs: number): Promise<void> {
    void this.#close();
    await this.#group.drain(timeoutMs);
  }

  async stop(): Promise<void> {
    const closed = this.#close();
    this.#group.release();
    const sockets = [...this.#sockets].map((socket) => once(socket, "close"));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([closed, ...sockets]);
  }

  #plainListener(): Listener {
    const { host, port, maxConnections } = this.#options;
    // A client may end its side after its last command and still read the answers.
    const server = createServer({ ...SOCKET_OPTIONS, allowHalfOpen: true });
    server.maxConnections = maxConnections;
    server.on("connection", (socket) => void this.#accept(socket));
    const place = { transport: "tcp", scheme: "tcp", host, port } as const;
    return Listener.plain(server, place, this.#context.logger);
  }

  #tlsListener({ certificate, host, port }: TlsListening): Listener {
    const server = createTlsServer({ ...SOCKET_OPTIONS, ...certificate.serverOptions([]) });
    server.maxConnections = this.#options.maxConnections;
    const place = { transport: "tcp", scheme: "tls", host, port } as const;
    const listener = Listener.tls(server, certificate, place, this.#context.logger);
    server.on("secureConnection", (socket) => {
      if (socket.destroyed) return;
      // Not before: a connection that ends in its handshake is to be gone.
      socket.allowHalfOpen = true;
      void this.#accept(socket);
    });
    return listener;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #accept(socket: Socket): Promise<void> {
    // `close` follows every error, and says all there is to do.
    socket.on("error", () => undefined);
    this.#sockets.add(socket);
    this.#context.observer.carries(wireSocketOf(socket), "tcp");
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#context.observer.closed(wireSocketOf(socket));
    });
    try {
      const identity = await this.#identify(socket);
      if (!socket.destroyed) this.#open(socket, identity);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === "internal") {
        this.#context.logger.error("connection failed", { transport: "tcp", error: thrown });
      }
      new TcpConnection(socket, this.#form).end(error);
      // No session watches over the end of this one.
      socket.once("finish", () => socket.destroySoon());
    }
  }

  /** `null` when the client has to authenticate by command. */
  async #identify(socket: Socket): Promise<Identity | null> {
    const { authenticator } = this.#context;
    try {
      const credentials = certificateCredentials(socket);
      return await authenticator.authenticate(credentials, socket.remoteAddress ?? "");
    } catch (thrown) {
      if (toGatewayError(thrown).code === "unauthenticated") return null;
      throw thrown;
    }
  }

  #open(socket: Socket, identity: Identity | null): void {
    const { sessions, clock } = this.#context;
    const address = socket.remoteAddress ?? "";
    const session = sessions.open("tcp", address, clock.now(), identity ?? ANONYMOUS);
    socket.once("close", () => sessions.close(session));
    const commands = new CommandSession({
      context: this.#context,
      options: this.#options,
      form: this.#form,
      delivery: this.#delivery,
      session,
      connection: new TcpConnection(socket, this.#form),
      stream: socket,
      isAuthenticated: identity !== null,
      answersPings: false,
    });
    this.#group.add(commands);
    socket.once("close", () => this.#group.remove(commands));
    this.#read(socket, commands);
    commands.welcome();
  }

  #read(socket: Socket, commands: CommandSession): void {
    const lines = new LineSplitter(maxCommandBytes(this.#context.limits.maxPayloadBytes));
    const onLine = (line: string): void => commands.receive(line);
    let isReadable = true;
    const read = (take: () => void): void => {
      if (!isReadable) return;
      try {
        take();
      } catch (thrown) {
        isReadable = false;
        commands.end(toGatewayError(thrown));
      }
    };
    socket.on("data", (chunk: Buffer) => read(() => lines.push(chunk, onLine)));
    socket.on("end", () => {
      read(() => lines.end(onLine));
      commands.finish(null);
    });
    socket.resume();
  }
}
