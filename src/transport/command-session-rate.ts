import { GatewayError } from "../errors.ts";
import { RateLimit } from "../security/rate-limit.ts";

/**
 * Refusals a second that any session may provoke: a client that learns its limit from the first
 * refusals has some under way, one that goes on regardless is ended.
 */
const MIN_REFUSALS_PER_SECOND = 100;

/** How fast one session may publish, and how long it may try to go faster. */
export class PublishRate {
  readonly #perSecond: number;
  readonly #publishes: RateLimit;
  readonly #refusals: RateLimit;

  /** @param perSecond publishes a second; 0 for no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#publishes = new RateLimit(perSecond);
    this.#refusals = new RateLimit(Math.max(MIN_REFUSALS_PER_SECOND, perSecond));
  }

  /** Counts one publish at `now` (milliseconds); returns the refusal when it is one too many. */
  refusal(now: number): GatewayError | null {
    if (this.#publishes.take(now)) return null;
    return new GatewayError("rate_limited", `the limit is ${this.#perSecond} publishes a second`);
  }

  /** Counts one refusal; returns whether the client has had more than it may provoke. */
  isAbusedBy(now: number): boolean {
    return !this.#refusals.take(now);
  }
}
