import type { Start } from "../../bus/subscription.ts";
import type { TopicFilter } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import type { TransportLimits } from "../transport.ts";
import type { PollSettings } from "./options.ts";
import { QueryParameters } from "./query-parameters.ts";
import { parseFilters, parseStart } from "./start.ts";

const PARAMETERS = ["filter", "cursor", "timeout", "max", "retained"];

/** What a poll asks for. */
export interface PollQuery {
  readonly filters: readonly TopicFilter[];
  readonly start: Start;
  /** The cursor as it was given; `null` when the poll starts at `now` or `earliest`. */
  readonly cursor: string | null;
  /** Before jitter; 0 never holds. */
  readonly holdMs: number;
  readonly maxMessages: number;
  /** Whether the answer begins with the retained messages; only for a start at `now`. */
  readonly wantsRetained: boolean;
}

/** Throws `bad_request` or `invalid_filter`. */
export function parsePollQuery(
  text: string,
  settings: PollSettings,
  limits: TransportLimits,
): PollQuery {
  const query = new QueryParameters(text, PARAMETERS);
  const filters = parseFilters(query.all("filter"), limits);
  const start = parseStart(query.text("cursor"));
  const wantsRetained = query.flag("retained") ?? false;
  if (wantsRetained && start.from !== "now") {
    throw new GatewayError(
      "bad_request",
      "query parameter retained=true goes with a start at now: a reader that resumes has no use for old state",
    );
  }
  const holdMs = query.secondsAsMs("timeout") ?? settings.defaultHoldMs;
  const max = query.wholeNumber("max", 1, Number.MAX_SAFE_INTEGER) ?? settings.defaultMessages;
  return {
    filters,
    start,
    cursor: start.from === "cursor" ? (query.text("cursor") ?? null) : null,
    holdMs: Math.min(holdMs, settings.maxHoldMs),
    maxMessages: Math.min(max, settings.maxMessages),
    wantsRetained,
  };
}

/**
 * Queries whose parsed form is remembered. Pollers that wait for the same come back with the same
 * text, so the newest few matter; at the bound the memory starts afresh.
 */
const MAX_REMEMBERED = 1_024;
const MAX_REMEMBERED_LENGTH = 1_024;

/** Parses poll queries, each text once while it is common. */
export class PollQueries {
  readonly #settings: PollSettings;
  readonly #limits: TransportLimits;
  readonly #remembered = new Map<string, PollQuery>();

  constructor(settings: PollSettings, limits: TransportLimits) {
    this.#settings = settings;
    this.#limits = limits;
  }

  /** Throws `bad_request` or `invalid_filter`. */
  parse(text: string): PollQuery {
    const remembered = this.#remembered.get(text);
    if (remembered !== undefined) return remembered;
    const parsed = parsePollQuery(text, this.#settings, this.#limits);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    if (text.length <= MAX_REMEMBERED_LENGTH) this.#remembered.set(text, parsed);
    return parsed;
  }
}
