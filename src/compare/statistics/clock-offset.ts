/** One question to the other host and its answer, nanoseconds of each host's own monotonic clock. */
export interface ClockExchange {
  readonly askedAtNs: number;
  /** The other host's clock. */
  readonly heardAtNs: number;
  /** The other host's clock. */
  readonly answeredAtNs: number;
  readonly returnedAtNs: number;
}

/** The other clock minus ours, with bounds that hold whatever the way of the packets was. */
export interface ClockOffset {
  readonly offsetNs: number;
  /** The truth lies within offset ± error. */
  readonly errorNs: number;
  /** Our clock, at the middle of the exchanges. */
  readonly atNs: number;
}

/**
 * The offset from many exchanges. No packet arrives before it is sent, so each exchange bounds the
 * offset by answered − returned from below and by heard − asked from above (the interval of ± half
 * the round trip of RFC 5905 §8); their intersection is the estimate, half its width the error. An
 * asymmetric way widens it by nothing: it is covered. Throws `RangeError` when no offset satisfies
 * all exchanges, that is, when a clock drifted or stepped meanwhile: ask over a shorter time.
 */
export function estimateClockOffset(exchanges: readonly ClockExchange[]): ClockOffset {
  if (exchanges.length === 0) throw new RangeError("a clock offset needs at least one exchange");
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { askedAtNs, heardAtNs, answeredAtNs, returnedAtNs } of exchanges) {
    low = Math.max(low, answeredAtNs - returnedAtNs);
    high = Math.min(high, heardAtNs - askedAtNs);
    first = Math.min(first, askedAtNs);
    last = Math.max(last, returnedAtNs);
  }
  if (low > high) {
    throw new RangeError(`no clock offset fits all exchanges: one says ≥ ${low}, one ≤ ${high} ns`);
  }
  return { offsetNs: (low + high) / 2, errorNs: (high - low) / 2, atNs: (first + last) / 2 };
}

/** The offset between two estimates, before and after a run, so that steady drift is followed. */
export class ClockTrack {
  readonly #before: ClockOffset;
  readonly #after: ClockOffset;

  constructor(before: ClockOffset, after: ClockOffset) {
    this.#before = before;
    this.#after = after;
  }

  /** How much faster the other clock runs, parts per million. */
  get driftPpm(): number {
    const elapsed = this.#after.atNs - this.#before.atNs;
    return elapsed === 0 ? 0 : ((this.#after.offsetNs - this.#before.offsetNs) / elapsed) * 1e6;
  }

  /** Of any offset between the two: interpolation is never worse than its worse end. */
  get errorNs(): number {
    return Math.max(this.#before.errorNs, this.#after.errorNs);
  }

  offsetAt(atNs: number): number {
    return this.#before.offsetNs + (this.driftPpm / 1e6) * (atNs - this.#before.atNs);
  }

  /** A time of the other clock in ours. */
  toOurs(theirsNs: number): number {
    // Solves theirs = ours + offsetAt(ours), which is linear in ours.
    const rate = this.driftPpm / 1e6;
    const { atNs, offsetNs } = this.#before;
    return atNs + (theirsNs - offsetNs - atNs) / (1 + rate);
  }
}
