/**
 * A token bucket: at most `perSecond` actions a second in the long run, and as many at once after a
 * pause. 0 means no limit.
 */
export class RateLimit {
  readonly #perSecond: number;
  #tokens: number;
  #updatedAt = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Takes one action at `now` (milliseconds, any origin); false when there is none left. */
  take(now: number): boolean {
    if (this.#perSecond === 0) return true;
    const elapsed = Math.max(0, now - this.#updatedAt);
    this.#updatedAt = now;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + (elapsed * this.#perSecond) / 1_000);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
