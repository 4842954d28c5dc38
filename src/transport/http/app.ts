import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import express, { type Express } from "express";
import type { Identity } from "../../bus/ports.ts";
import { GatewayError } from "../../errors.ts";
import type { Exchange } from "./exchange.ts";
import { homePage } from "./home-page.ts";
import type { HttpServices } from "./options.ts";
import { checkAdmin, type StatusReport } from "./status.ts";

/** What the application asks about the transport it is part of. */
export interface AppParts {
  readonly services: HttpServices;
  readonly report: StatusReport;
  heldPolls(): number;
  streams(): number;
  /** The exchange a request belongs to. */
  exchangeOf(request: IncomingMessage): Exchange | undefined;
}

/** Answers one exchange; what it throws or rejects with becomes the refusal. */
type Handler = (exchange: Exchange) => void | Promise<void>;

const READ_METHODS = "GET, HEAD, OPTIONS";

/** Everything that is not asked for thousands of times a second. */
export class App {
  readonly #parts: AppParts;
  readonly #express: Express = express();
  readonly #paths = new Set<string>();

  constructor(parts: AppParts) {
    this.#parts = parts;
    this.#express.disable("x-powered-by");
    this.#express.disable("etag");
    this.#express.enable("case sensitive routing");
    this.#express.enable("strict routing");
    // The raw query is parsed by its own rules: `+` is a wildcard, not a space.
    this.#express.set("query parser", false);
    this.#addRoutes();
  }

  /** Answers a request that no other handler took. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#express(request, response);
  }

  /** Whether there is something at this path. */
  has(path: string): boolean {
    return this.#paths.has(path);
  }

  #addRoutes(): void {
    const { services } = this.#parts;
    this.#get("/healthz", (exchange) => exchange.json(200, '{"live":true}'));
    this.#get("/readyz", (exchange) => {
      const { isReady, reasons } = services.health();
      exchange.json(isReady ? 200 : 503, JSON.stringify({ ready: isReady, reasons }));
    });
    this.#get("/metrics", async (exchange) => {
      const { contentType, text } = await services.metricsText();
      exchange.answer(200, ["Content-Type", contentType, "Cache-Control", "no-store"], text);
    });
    this.#get("/", (exchange) => {
      const { headers, socket } = exchange.request;
      const isSecure = socket instanceof TLSSocket;
      const page = homePage(services.version, headers.host ?? "127.0.0.1", isSecure);
      exchange.answer(200, PAGE_HEADERS, page);
    });
    for (const [path, text] of services.documents) {
      this.#get(path, (exchange) => exchange.json(200, text()));
    }
    this.#addReports();
    this.#express.use((request: IncomingMessage) => {
      const exchange = this.#parts.exchangeOf(request);
      const path = JSON.stringify(exchange?.target.path.slice(0, 80) ?? "");
      exchange?.refuse(new GatewayError("not_found", `there is nothing at ${path}`));
    });
    this.#express.use(
      // Express tells an error handler by its four parameters.
      (error: unknown, request: IncomingMessage, _response: ServerResponse, _next: unknown) => {
        this.#parts.exchangeOf(request)?.refuse(error);
      },
    );
  }

  #addReports(): void {
    const { services, report } = this.#parts;
    const answer = (path: string, read: (exchange: Exchange, identity: Identity) => unknown) =>
      this.#get(path, (exchange) =>
        exchange.identified((identity) => {
          checkAdmin(identity, (asking) => services.isAdmin(asking));
          exchange.json(200, JSON.stringify(read(exchange, identity)));
        }),
      );
    answer("/v1/status", () => report.status(this.#parts.heldPolls(), this.#parts.streams()));
    answer("/v1/sessions", (exchange) => report.sessions(exchange.target.rawQuery));
    answer("/v1/topics", (exchange, identity) => report.topics(exchange.target.rawQuery, identity));
  }

  #get(path: string, handler: Handler): void {
    const run = async (request: IncomingMessage): Promise<void> => {
      const exchange = this.#parts.exchangeOf(request);
      if (exchange === undefined) return;
      const { method } = request;
      if (method === "GET" || method === "HEAD") await handler(exchange);
      else exchange.refuseMethod(READ_METHODS);
    };
    this.#paths.add(path);
    this.#express.all(path, run);
  }
}

const PAGE_HEADERS: readonly string[] = Object.freeze([
  "Content-Type",
  "text/html; charset=utf-8",
  "Cache-Control",
  "no-store",
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "default-src 'none'; style-src 'unsafe-inline'",
]);
