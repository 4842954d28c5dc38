import type { Clock } from "../../bus/clock.ts";
import type { MqttSession } from "./mqtt-session.ts";

/** How often sessions are looked at whose clients stay away: expiry is set in whole seconds. */
const TICK_MS = 1_000;

/**
 * Sessions one tick forgets at most, so that ending many at once delays no one: with 1,000 filters
 * each, 32 sessions take 32,000 filters out of the index. That is still 115,200 sessions an hour.
 */
const MOST_IN_A_TICK = 32;

/**
 * Since when the clients of persistent sessions have been away, and the end of those that have been
 * away for too long. MQTT 3.1.1 §3.1.2.4 leaves it to the server how long it keeps such a session.
 */
export class SessionExpiry {
  readonly #afterMs: number;
  readonly #clock: Clock;
  readonly #forget: (session: MqttSession) => void;
  /** Milliseconds since the Unix epoch, longest away first: the clock never goes back. */
  readonly #awaySince = new Map<MqttSession, number>();
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param seconds absence after which a session is forgotten; 0 keeps all.
   * @param forget ends the session for good, and calls {@link over} for it.
   */
  constructor(seconds: number, clock: Clock, forget: (session: MqttSession) => void) {
    this.#afterMs = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1_000;
    this.#clock = clock;
    this.#forget = forget;
  }

  start(): void {
    if (this.#afterMs === Number.POSITIVE_INFINITY) return;
    this.#timer ??= setInterval(() => this.forgetDue(MOST_IN_A_TICK), TICK_MS).unref();
  }

  /** Idempotent. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The client has left its session behind. */
  away(session: MqttSession): void {
    this.#awaySince.delete(session);
    this.#awaySince.set(session, this.#clock.now());
  }

  /** The client is back, or the session has ended. */
  over(session: MqttSession): void {
    this.#awaySince.delete(session);
  }

  isDue(session: MqttSession): boolean {
    const since = this.#awaySince.get(session);
    return since !== undefined && this.#clock.now() - since >= this.#afterMs;
  }

  /** Forgets up to `most` sessions that are due, longest away first. */
  forgetDue(most: number): void {
    let left = most;
    for (const session of this.#awaySince.keys()) {
      if (left === 0 || !this.isDue(session)) return;
      this.#forget(session);
      left -= 1;
    }
  }
}
