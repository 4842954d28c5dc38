import { GatewayError } from "../errors.ts";
import { encodeBase64 } from "../wire/base64.ts";
import { PROBLEM_CONTENT_TYPE, parseProblem } from "../wire/problem.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { Credentials } from "./client-options.ts";

/** The part of the platform's `fetch` that the client needs, and what may stand in its place. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** What the client says of a request. */
export interface FetchInit {
  readonly method?: string;
  readonly headers: Headers | Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** Where a gateway's HTTP interface is and who asks. */
export interface HttpTarget {
  /** Such as `http://127.0.0.1:8080`, without the `/v1`. */
  readonly baseUrl: string;
  readonly credentials?: Credentials;
  /** In place of the platform's: with a CA of one's own, for one. */
  readonly fetch?: Fetch;
}

/** Asks by the target's own `fetch`, if it has one. */
export function fetchFrom(target: HttpTarget, url: string, init: FetchInit): Promise<Response> {
  return target.fetch === undefined ? fetch(url, init) : target.fetch(url, init);
}

/** The headers that say who asks; none without credentials. */
export function authorizationHeaders(target: HttpTarget): Record<string, string> {
  const { credentials } = target;
  if (credentials === undefined) return {};
  if ("token" in credentials) return { authorization: `Bearer ${credentials.token}` };
  const pair = encodeUtf8(`${credentials.user}:${credentials.password}`);
  if (pair === null) throw new GatewayError("bad_request", "credentials hold a lone surrogate");
  return { authorization: `Basic ${encodeBase64(pair)}` };
}

/** A query in the form of RFC 3986: `+` and `#`, both MQTT wildcards, are escaped. */
export function queryText(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
}

/** The URL of a request below the base, which may itself have a path. */
export function requestUrl(target: HttpTarget, path: string): string {
  return `${target.baseUrl.replace(/\/+$/, "")}${path}`;
}

/** The refusal in an answer that is none of those wanted; reads the body. */
export async function refusalOf(answer: Response): Promise<GatewayError> {
  const text = await answer.text();
  if (answer.headers.get("content-type")?.startsWith(PROBLEM_CONTENT_TYPE) === true) {
    return parseProblem(text);
  }
  // A proxy in between speaks its own language; what it said is all there is.
  const code = answer.status >= 500 ? "store_unavailable" : "bad_request";
  return new GatewayError(code, `HTTP ${answer.status}: ${text.slice(0, 200)}`);
}
