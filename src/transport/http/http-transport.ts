import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { GatewayError } from "../../errors.ts";
import { Listener, type TlsListening } from "../listener.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { App } from "./app.ts";
import { BulkHandler } from "./bulk.ts";
import { Connections, REFUSED_AT_ONCE } from "./connections.ts";
import { Exchange, type ExchangeHost } from "./exchange.ts";
import { ignoreUpgrade, offersWebSocket } from "./ignored-upgrade.ts";
import { LogLevelHandler } from "./log-level.ts";
import { refuseMalformed, writeRefusal } from "./malformed.ts";
import type { HttpOptions } from "./options.ts";
import { OriginPolicy } from "./origin-policy.ts";
import { PollHandler } from "./poll.ts";
import { PublishHandler } from "./publish.ts";
import { parseTarget } from "./request-target.ts";
import { RetainedHandler } from "./retained.ts";
import { type HotHandlers, Router } from "./router.ts";
import { StatusReport } from "./status.ts";
import { StreamHandler } from "./stream.ts";

/** Takes over a connection that asked to speak another protocol (RFC 9110 §7.8). */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** HTTP: publish, bulk, retained values, poll, stream, and what operators read. */
export class HttpTransport implements Transport, ExchangeHost {
  readonly #context: TransportContext;
  readonly #options: HttpOptions;
  readonly #connections: Connections;
  readonly #polls: PollHandler;
  readonly #streams: StreamHandler;
  readonly #router: Router;
  readonly #listeners: Listener[] = [];
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();
  #upgrade: UpgradeHandler | null = null;
  #isDraining = false;

  constructor(context: TransportContext, options: HttpOptions) {
    this.#context = context;
    this.#options = options;
    this.#connections = new Connections(context, options.maxConnections);
    this.#polls = new PollHandler(context, options);
    this.#streams = new StreamHandler(context, options);
    this.#router = this.#createRouter();
  }

  /** Sets who takes connections that upgrade; without one they are refused with `not_found`. */
  onUpgrade(handler: UpgradeHandler): void {
    this.#upgrade = handler;
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
    this.#isDraining = true;
    void this.#close();
    this.#connections.destroySilent();
    this.#polls.drain();
    const ended = Promise.all([this.#streams.drain(), this.#connections.whenHttpEnds()]);
    await withinMs(timeoutMs, ended);
  }

  async stop(): Promise<void> {
    this.#isDraining = true;
    this.#polls.stop();
    this.#streams.stop();
    const closed = this.#close();
    this.#connections.destroyAll();
    // The listener may report its end before its last sockets report theirs.
    await Promise.all([closed, this.#connections.whenAllEnd()]);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  failed(error: GatewayError): void {
    const { logger } = this.#context;
    logger.error("request failed", { transport: "http", error: error.cause ?? error });
  }

  #createRouter(): Router {
    const publish = new PublishHandler(this.#context);
    const bulk = new BulkHandler(this.#context, this.#options);
    const retained = new RetainedHandler(this.#context, publish);
    const logLevel = new LogLevelHandler(this.#options);
    const app = new App({
      services: this.#options,
      report: new StatusReport(this.#context, this.#options),
      heldPolls: () => this.#polls.heldCount,
      streams: () => this.#streams.count,
      exchangeOf: (request) => this.#exchanges.get(request),
    });
    const handlers: HotHandlers = {
      publish: (exchange) => publish.handle(exchange),
      bulk: (exchange) => bulk.handle(exchange),
      retained: (exchange) => retained.handle(exchange),
      clear: (exchange) => publish.handleDelete(exchange),
      poll: (exchange) => this.#polls.handle(exchange),
      stream: (exchange) => this.#streams.handle(exchange),
      logLevel: (exchange) => logLevel.handleRead(exchange),
      setLogLevel: (exchange) => logLevel.handleChange(exchange),
      rest: (exchange) => {
        this.#exchanges.set(exchange.request, exchange);
        app.handle(exchange.request, exchange.response);
      },
      hasRest: (path) => app.has(path),
    };
    const origins = new OriginPolicy(this.#options.allowedOrigins);
    return new Router(origins, handlers, this.#options.upgradePaths);
  }

  #plainListener(): Listener {
    const { host, port } = this.#options;
    const server = createServer(this.#serverOptions());
    server.on("connection", (socket) => this.#connections.add(socket));
    this.#serve(server);
    const place = { transport: "http", scheme: "http", host, port } as const;
    return Listener.plain(server, place, this.#context.logger);
  }

  #tlsListener({ certificate, host, port }: TlsListening): Listener {
    const server = createTlsServer({
      ...this.#serverOptions(),
      ...certificate.serverOptions(["http/1.1"]),
    });
    // Handshakes count, too, and nobody can be told of a refusal before theirs is over.
    server.maxConnections = this.#options.maxConnections + REFUSED_AT_ONCE;
    const place = { transport: "http", scheme: "https", host, port } as const;
    const listener = Listener.tls(server, certificate, place, this.#context.logger);
    server.on("secureConnection", (socket) => {
      if (!socket.destroyed) this.#connections.add(socket);
    });
    this.#serve(server);
    return listener;
  }

  #serverOptions(): ServerOptions {
    const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, maxHeaderBytes } =
      this.#options;
    return {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      // Deadlines are looked at this often: a request may be late by a quarter of the shorter one.
      connectionsCheckingInterval: Math.ceil(Math.min(headersTimeoutMs, requestTimeoutMs) / 4),
      // A missing Host is answered by us, with a body that says so.
      requireHostHeader: false,
      noDelay: true,
    };
  }

  #serve(server: Server | TlsServer): void {
    server.maxRequestsPerSocket = 0;
    server.on("request", (request, response) => this.#dispatch(request, response, false));
    server.on("checkContinue", (request, response) => this.#dispatch(request, response, true));
    server.on("upgrade", (request, socket, head) => this.#upgraded(server, request, socket, head));
    server.on("clientError", (error, socket) => {
      const known = this.#connections.of(socket);
      if (known === undefined) socket.destroy();
      else refuseMalformed(error, known);
    });
  }

  #dispatch(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = this.#connections.of(request.socket);
    if (connection === undefined) {
      response.destroy();
      return;
    }
    connection.latest = response;
    const target = parseTarget(request.url ?? "/");
    const exchange = new Exchange(request, response, connection, target, expectsContinue, this);
    try {
      if (connection.isRefused) this.#refuseConnection(exchange);
      else if (request.httpVersion === "1.1" && !namesOneHost(request.rawHeaders)) {
        throw new GatewayError("bad_request", "there must be one Host header (RFC 9112 §3.2)");
      } else this.#router.route(exchange);
    } catch (thrown) {
      exchange.refuse(thrown);
    }
  }

  #refuseConnection(exchange: Exchange): void {
    exchange.response.shouldKeepAlive = false;
    exchange.refuse(this.#tooManyConnections());
  }

  #tooManyConnections(): GatewayError {
    const { maxConnections } = this.#options;
    return new GatewayError(
      "limit_exceeded",
      `${maxConnections} connections are open, which is the limit`,
    );
  }

  #upgraded(
    server: Server | TlsServer,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    const connection = this.#connections.of(socket);
    if (connection === undefined || connection.isAnswering) {
      // An answer still under way would land in the middle of the other protocol.
      socket.destroy();
    } else if (!offersWebSocket(request)) {
      ignoreUpgrade(server, request, connection.socket, head);
    } else if (connection.isRefused) {
      writeRefusal(connection.socket, this.#tooManyConnections());
    } else if (this.#isDraining) {
      writeRefusal(connection.socket, new GatewayError("draining", "the gateway is about to stop"));
    } else if (this.#upgrade === null) {
      writeRefusal(connection.socket, new GatewayError("not_found", "nothing here upgrades"));
    } else {
      this.#connections.upgraded(connection);
      this.#upgrade(request, socket, head);
    }
  }

  /** Stops listening; resolves when the last connection has closed. */
  #close(): Promise<unknown> {
    return Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}

/** Proxies in front may take another one of two than we do. */
function namesOneHost(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts === 1;
}

/** Resolves with the promise or after `timeoutMs`, whichever is first; leaves no timer. */
async function withinMs(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, deadline]);
  clearTimeout(timer);
}
