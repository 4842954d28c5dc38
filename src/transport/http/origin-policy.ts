import type { IncomingMessage } from "node:http";

/** Response headers a page of another origin may read. */
const EXPOSED_HEADERS = "Tributary-Cursor, Retry-After";

/** Request headers a page of another origin may send. */
const ALLOWED_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Tributary-User-Property, " +
  "Tributary-Response-Topic, Tributary-Correlation-Data";

/** A day: the answer changes only with the settings. */
const PREFLIGHT_LIFE_SECONDS = 86_400;

const NO_HEADERS: readonly string[] = Object.freeze([]);

/** Whose pages may use the gateway from a browser. */
export class OriginPolicy {
  readonly #allowed: ReadonlySet<string>;
  readonly #allowsAll: boolean;

  constructor(allowedOrigins: readonly string[]) {
    this.#allowed = new Set(allowedOrigins);
    this.#allowsAll = this.#allowed.has("*");
  }

  /**
   * Whether the request comes from no page, from a page of this host, or from an allowed one. A page
   * elsewhere can send a simple POST without asking first, so publishing must ask this itself.
   */
  isAllowed(request: IncomingMessage): boolean {
    const { origin, host } = request.headers;
    if (origin === undefined || this.#allowsAll || this.#allowed.has(origin)) return true;
    return origin === `http://${host}` || origin === `https://${host}`;
  }

  /** The headers that let the page of the request's origin read the answer; often none. */
  answerHeaders(request: IncomingMessage): readonly string[] {
    const { origin } = request.headers;
    if (origin === undefined || !this.isAllowed(request)) return NO_HEADERS;
    return [
      "Access-Control-Allow-Origin",
      this.#allowsAll ? "*" : origin,
      "Access-Control-Expose-Headers",
      EXPOSED_HEADERS,
      "Vary",
      "Origin",
    ];
  }

  /** What an allowed preflight is told beside {@link answerHeaders}. */
  preflightHeaders(methods: string): readonly string[] {
    return [
      "Access-Control-Allow-Methods",
      methods,
      "Access-Control-Allow-Headers",
      ALLOWED_HEADERS,
      "Access-Control-Max-Age",
      String(PREFLIGHT_LIFE_SECONDS),
    ];
  }
}
