import { parseCursor } from "../../bus/cursor.ts";
import type { Start } from "../../bus/subscription.ts";
import { parseFilter, type TopicFilter } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import type { TransportLimits } from "../transport.ts";

/** Where a reader begins: `now`, `earliest`, or a cursor; nothing said means `now`. Throws `bad_request`. */
export function parseStart(text: string | undefined): Start {
  if (text === undefined || text === "now") return { from: "now" };
  if (text === "earliest") return { from: "earliest" };
  return { from: "cursor", ...parseCursor(text) };
}

/** The filters of a poll or stream, at least one. Throws `bad_request`, `invalid_filter`. */
export function parseFilters(texts: readonly string[], limits: TransportLimits): TopicFilter[] {
  if (texts.length === 0) {
    throw new GatewayError(
      "bad_request",
      "query parameter filter is missing; at least one is needed",
    );
  }
  if (texts.length > limits.maxFiltersPerRequest) {
    throw new GatewayError(
      "bad_request",
      `${texts.length} filters are given; the limit is ${limits.maxFiltersPerRequest}`,
    );
  }
  return texts.map((text) => parseFilter(text, limits));
}
