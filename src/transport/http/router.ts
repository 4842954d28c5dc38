import { GatewayError } from "../../errors.ts";
import type { Exchange } from "./exchange.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import { type ExchangeHandler, Route } from "./routes.ts";

/** The handlers that go ahead of express. */
export interface HotHandlers {
  readonly publish: ExchangeHandler;
  readonly bulk: ExchangeHandler;
  readonly retained: ExchangeHandler;
  readonly clear: ExchangeHandler;
  readonly poll: ExchangeHandler;
  readonly stream: ExchangeHandler;
  readonly logLevel: ExchangeHandler;
  readonly setLogLevel: ExchangeHandler;
  /** Takes whatever has no handler here. */
  readonly rest: ExchangeHandler;
  /** Whether {@link rest} has something at this path. */
  hasRest(path: string): boolean;
}

const TOPICS_PATH = "/v1/topics/";

/** The server itself, in `OPTIONS *` (RFC 9110 §9.3.7). */
const ASTERISK = "*";

/** Sends each exchange to its handler by the raw path, before anything is decoded. */
export class Router {
  readonly #origins: OriginPolicy;
  readonly #handlers: HotHandlers;
  readonly #topics: Route;
  readonly #routes: ReadonlyMap<string, Route>;

  /** @param upgradePaths where connections become WebSockets, unless something else is there. */
  constructor(origins: OriginPolicy, handlers: HotHandlers, upgradePaths: readonly string[]) {
    const { publish, bulk, retained, clear, poll, stream, logLevel, setLogLevel } = handlers;
    this.#origins = origins;
    this.#handlers = handlers;
    this.#topics = new Route({ GET: retained, HEAD: retained, POST: publish, DELETE: clear });
    const upgrade = new Route({ GET: askForUpgrade, HEAD: askForUpgrade });
    const free = upgradePaths.filter((path) => !handlers.hasRest(path));
    this.#routes = new Map([
      ...free.map((path) => [path, upgrade] as const),
      ["/v1/publish", new Route({ POST: bulk })],
      ["/v1/poll", new Route({ GET: poll })],
      ["/v1/stream", new Route({ GET: stream })],
      ["/v1/log-level", new Route({ GET: logLevel, HEAD: logLevel, PUT: setLogLevel })],
    ]);
  }

  /** Throws, or has the exchange refused, when nobody takes it. */
  route(exchange: Exchange): void {
    const { request, target } = exchange;
    if (request.headers.origin !== undefined) this.#admitPage(exchange);
    if (request.method === "POST" && target.path.startsWith(TOPICS_PATH)) {
      this.#handlers.publish(exchange);
      return;
    }
    const route = target.path.startsWith(TOPICS_PATH)
      ? this.#topics
      : this.#routes.get(target.path);
    if (request.method === "OPTIONS" && this.#isThere(target.path, route)) {
      this.#answerOptions(exchange, route?.allow);
    } else if (route === undefined) this.#handlers.rest(exchange);
    else route.run(exchange);
  }

  /**
   * A page of a foreign origin may not even cause a message: a simple POST is sent by browsers
   * without asking first, so it is refused here (Fetch §4.10).
   */
  #admitPage(exchange: Exchange): void {
    const { request } = exchange;
    if (this.#origins.isAllowed(request)) {
      exchange.commonHeaders = this.#origins.answerHeaders(request);
      return;
    }
    const origin = JSON.stringify(request.headers.origin?.slice(0, 80));
    throw new GatewayError("forbidden", `pages of origin ${origin} may not use this gateway`);
  }

  #isThere(path: string, route: Route | undefined): boolean {
    return route !== undefined || path === ASTERISK || this.#handlers.hasRest(path);
  }

  #answerOptions(exchange: Exchange, allow = "GET, HEAD, OPTIONS"): void {
    const { headers } = exchange.request;
    const isPreflight = headers["access-control-request-method"] !== undefined;
    const preflight = isPreflight ? this.#origins.preflightHeaders(allow) : [];
    exchange.answer(204, ["Allow", allow, ...preflight]);
  }
}

/** The request came to a path of WebSocket's, and not for one (RFC 6455 §4.2.1). */
function askForUpgrade(exchange: Exchange): void {
  const error = new GatewayError("bad_request", "WebSocket is spoken here: upgrade to websocket");
  exchange.refuse(error, ["Sec-WebSocket-Version", "13"]);
}
