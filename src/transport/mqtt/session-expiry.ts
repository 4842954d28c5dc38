import type { Clock } from "../../bus/clock.ts";
import type { MqttSession } from "./mqtt-session.ts";

/**
 * Since when the clients of persistent sessions have been away, and the end of those that have been
 * away for too long. MQTT 3.1.1 §3.1.2.4 leaves it to the server how long it keeps such a session; in
 * MQTT 5 the client says (§3.1.2.11.2), and the server's own limit is the longest.
 */
export class SessionExpiry {
  readonly #maxMs: number;
  readonly #clock: Clock;
  readonly #forget: (session: MqttSession) => void;
  /** By their time to live in milliseconds; in each, longest away first: the clock never goes back. */
  readonly #away = new Map<number, Set<MqttSession>>();

  /**
   * @param maxSeconds absence after which any session is forgotten; 0 keeps all.
   * @param forget ends the session for good, and calls {@link over} for it.
   */
  constructor(maxSeconds: number, clock: Clock, forget: (session: MqttSession) => void) {
    this.#maxMs = maxSeconds === 0 ? Number.POSITIVE_INFINITY : maxSeconds * 1_000;
    this.#clock = clock;
    this.#forget = forget;
  }

  /** The client has left its session behind; `session.awaySince` says when. */
  away(session: MqttSession): void {
    this.over(session);
    const timeToLive = this.#timeToLiveMs(session);
    const away = this.#away.get(timeToLive) ?? new Set();
    this.#away.set(timeToLive, away.add(session));
  }

  /** The client is back, or the session has ended. */
  over(session: MqttSession): void {
    const timeToLive = this.#timeToLiveMs(session);
    const away = this.#away.get(timeToLive);
    away?.delete(session);
    if (away?.size === 0) this.#away.delete(timeToLive);
  }

  /** When the session ends if its client does not return (milliseconds since the Unix epoch). */
  endOf(session: MqttSession): number {
    return (session.awaySince ?? Number.POSITIVE_INFINITY) + this.#timeToLiveMs(session);
  }

  isDue(session: MqttSession): boolean {
    return session.link === null && this.#clock.now() >= this.endOf(session);
  }

  /** Forgets up to `most` sessions that are due. */
  forgetDue(most: number): void {
    let left = most;
    for (const away of [...this.#away.values()]) {
      for (const session of away) {
        if (left === 0) return;
        if (!this.isDue(session)) break;
        this.#forget(session);
        left -= 1;
      }
    }
  }

  /** To be called only while no change of `session.expirySeconds` is in between. */
  #timeToLiveMs({ expirySeconds }: MqttSession): number {
    if (expirySeconds === null) return this.#maxMs;
    return Math.min(expirySeconds * 1_000, this.#maxMs);
  }
}
