import { authorizationHeaders, fetchFrom, queryText, requestUrl } from "./http-request.ts";
import type { HttpReadOptions } from "./resumable.ts";

/**
 * Asks once for what the filters of a resumable reader select. The reader's signal ends the request
 * and the body of its answer.
 */
export function readFrom(
  options: HttpReadOptions,
  path: string,
  query: readonly (readonly [string, string])[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const filters = options.filters.map((filter) => ["filter", filter] as const);
  const url = requestUrl(options, `${path}?${queryText([...filters, ...query])}`);
  return fetchFrom(options, url, {
    headers: { ...headers, ...authorizationHeaders(options) },
    signal: options.signal,
  });
}
