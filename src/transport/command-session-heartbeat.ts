/** Something that looks at itself now and then. */
export interface Beating {
  /** @param now milliseconds, from the heartbeat's clock. */
  beat(now: number): void;
}

/** A second is as fine as anything needs that looks at all sessions: drops are told once a second. */
const LONGEST_PERIOD_MS = 1_000;

/** Finer than this gains nothing: a timer of the event loop is no more exact. */
const SHORTEST_PERIOD_MS = 10;

/**
 * One ticker for all sessions of a transport: a timer for each connection would cost more than the
 * connection. It runs only while there are sessions.
 */
export class Heartbeat {
  readonly #periodMs: number;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  readonly #members = new Set<Beating>();
  #timer: NodeJS.Timeout | null = null;

  /** @param intervalMs the shortest interval a member counts in. */
  constructor(intervalMs: number, now: () => number, onError: (error: unknown) => void) {
    // Half the interval, so that what is due is at most half an interval late.
    const period = Math.min(LONGEST_PERIOD_MS, intervalMs / 2);
    this.#periodMs = Math.max(SHORTEST_PERIOD_MS, Math.floor(period));
    this.#now = now;
    this.#onError = onError;
  }

  add(member: Beating): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#beatAll(), this.#periodMs);
  }

  remove(member: Beating): void {
    this.#members.delete(member);
    if (this.#members.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #beatAll(): void {
    const now = this.#now();
    for (const member of this.#members) {
      try {
        member.beat(now);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
