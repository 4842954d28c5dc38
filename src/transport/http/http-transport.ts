import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { GatewayError } from "../../errors.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { App } from "./app.ts";
import { BulkHandler } from "./bulk.ts";
import { Connections } from "./connections.ts";
import { Exchange, type ExchangeHost } from "./exchange.ts";
import { refuseMalformed, writeRefusal } from "./malformed.ts";
import type { HttpOptions } from "./options.ts";
import { OriginPolicy } from "./origin-policy.ts";
import { PollHandler } from "./poll.ts";
import { PublishHandler } from "./publish.ts";
import { parseTarget } from "./request-target.ts";
import { RetainedHandler } from "./retained.ts";
import { Router } from "./router.ts";
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
  readonly #server: Server;
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();
  #upgrade: UpgradeHandler | null = null;
  #isDraining = false;
  #closed: Promise<void> | null = null;

  constructor(context: TransportContext, options: HttpOptions) {
    this.#context = context;
    this.#options = options;
    this.#connections = new Connections(context, options.maxConnections);
    this.#polls = new PollHandler(context, options);
    this.#streams = new StreamHandler(context, options);
    this.#router = this.#createRouter();
    this.#server = this.#createServer();
  }

  /** Sets who takes connections that upgrade; without one they are refused with `not_found`. */
  onUpgrade(handler: UpgradeHandler): void {
    this.#upgrade = handler;
  }

  start(): Promise<readonly ListenAddress[]> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        const bound = typeof address === "object" && address !== null ? address.port : port;
        const shown = host.includes(":") ? `[${host}]` : host;
        resolve([{ transport: "http", host, port: bound, url: `http://${shown}:${bound}` }]);
      });
    });
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
    const app = new App({
      services: this.#options,
      report: new StatusReport(this.#context, this.#options.version),
      heldPolls: () => this.#polls.heldCount,
      streams: () => this.#streams.count,
      exchangeOf: (request) => this.#exchanges.get(request),
    });
    return new Router(new OriginPolicy(this.#options.allowedOrigins), {
      publish: (exchange) => publish.handle(exchange),
      bulk: (exchange) => bulk.handle(exchange),
      retained: (exchange) => retained.handle(exchange),
      clear: (exchange) => publish.handleDelete(exchange),
      poll: (exchange) => this.#polls.handle(exchange),
      stream: (exchange) => this.#streams.handle(exchange),
      rest: (exchange) => {
        this.#exchanges.set(exchange.request, exchange);
        app.handle(exchange.request, exchange.response);
      },
    });
  }

  #createServer(): Server {
    const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, maxHeaderBytes } =
      this.#options;
    const server = createServer({
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      // Deadlines are looked at this often: a request may be late by a quarter of the shorter one.
      connectionsCheckingInterval: Math.ceil(Math.min(headersTimeoutMs, requestTimeoutMs) / 4),
      // A missing Host is answered by us, with a body that says so.
      requireHostHeader: false,
      noDelay: true,
    });
    server.maxRequestsPerSocket = 0;
    server.on("connection", (socket) => this.#connections.add(socket));
    server.on("request", (request, response) => this.#dispatch(request, response, false));
    server.on("checkContinue", (request, response) => this.#dispatch(request, response, true));
    server.on("upgrade", (request, socket, head) => this.#upgraded(request, socket, head));
    server.on("clientError", (error, socket) => {
      const known = this.#connections.of(socket);
      if (known === undefined) socket.destroy();
      else refuseMalformed(error, known);
    });
    return server;
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
      else if (request.headers.host === undefined && request.httpVersion === "1.1") {
        throw new GatewayError("bad_request", "the Host header is missing (RFC 9112 §3.2)");
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

  #upgraded(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.of(socket);
    if (connection === undefined) {
      socket.destroy();
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
  #close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      // Its one error says that it was not listening, which is what is wanted.
      this.#server.close(() => resolve());
    });
    return this.#closed;
  }
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
