import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { ANONYMOUS, type Identity } from "../../bus/ports.ts";
import { toGatewayError } from "../../errors.ts";
import { LineSplitter } from "../../wire/line.ts";
import { CommandSession } from "../command-session.ts";
import { CommandDelivery } from "../command-session-delivery.ts";
import { CommandSessionGroup } from "../command-session-group.ts";
import { type CommandSessionOptions, maxCommandBytes } from "../command-session-parts.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { TcpConnection } from "./tcp-connection.ts";
import { LineForm } from "./tcp-form.ts";

/** Settings of the transport; the names of the config. */
export interface TcpOptions extends CommandSessionOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxConnections: number;
}

/** A peer that vanished without a word is noticed by the kernel. */
const KEEP_ALIVE_AFTER_MS = 60_000;

/** Raw TCP: the commands of WebSocket, one JSON object a line. */
export class TcpTransport implements Transport {
  readonly #context: TransportContext;
  readonly #options: TcpOptions;
  readonly #form: LineForm;
  readonly #delivery: CommandDelivery;
  readonly #group: CommandSessionGroup;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(context: TransportContext, options: TcpOptions) {
    this.#context = context;
    this.#options = options;
    this.#form = new LineForm(context.limits);
    this.#delivery = new CommandDelivery(this.#form, context.bus, context.observer);
    this.#group = new CommandSessionGroup("tcp", context, options);
    this.#server = createServer({
      // A client may end its side after its last command and still read the answers.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      // Read once its identity is known.
      pauseOnConnect: true,
    });
    this.#server.maxConnections = options.maxConnections;
    this.#server.on("connection", (socket) => void this.#accept(socket));
  }

  async start(): Promise<readonly ListenAddress[]> {
    const { host, port } = this.#options;
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    const shown = host.includes(":") ? `[${host}]` : host;
    return [{ transport: "tcp", host, port: bound, url: `tcp://${shown}:${bound}` }];
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#server.close();
    await this.#group.drain(timeoutMs);
  }

  async stop(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : null;
    this.#server.close();
    this.#group.release();
    const sockets = [...this.#sockets].map((socket) => once(socket, "close"));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([closed, ...sockets]);
  }

  async #accept(socket: Socket): Promise<void> {
    // `close` follows every error, and says all there is to do.
    socket.on("error", () => undefined);
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
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
      return await authenticator.authenticate({ kind: "none" }, socket.remoteAddress ?? "");
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
