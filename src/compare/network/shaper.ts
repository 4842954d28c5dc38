import { Random } from "../statistics/random.ts";
import type { DirectionProfile } from "./network-profile.ts";

/**
 * When bytes that arrive on one direction of a link leave it. A function of the profile, the seed and
 * the arrivals alone: it has no clock. Nothing overtakes: the times it returns never fall.
 */
export class Shaper {
  readonly #profile: DirectionProfile;
  readonly #random: Random;
  /** When the link has sent everything it was given, milliseconds. */
  #freeAtMs = 0;
  #lastDueMs = 0;
  #jitterMs = 0;
  #stall: { readonly fromMs: number; readonly untilMs: number } | null = null;

  constructor(profile: DirectionProfile, seed: number) {
    this.#profile = profile;
    this.#random = new Random(seed);
  }

  /** Draws the jitter of the segments until the next call: those that arrive together. */
  arrive(): void {
    this.#jitterMs = this.#exponential(this.#profile.jitterMs);
  }

  /** When a segment of `bytes` that arrived at `nowMs` is at the other end. */
  dueMs(nowMs: number, bytes: number): number {
    const { latencyMs, bytesPerSecond, loss } = this.#profile;
    const sendingMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1_000;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + sendingMs;
    let due = this.#freeAtMs + latencyMs + this.#jitterMs;
    if (loss !== null && this.#random.next() < loss.share) due += loss.recoveryMs;
    due = this.#afterStall(Math.max(due, this.#lastDueMs));
    this.#lastDueMs = due;
    return due;
  }

  /** Nothing that has not left by `nowMs` arrives before `untilMs`. */
  holdUntil(untilMs: number): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, untilMs);
  }

  #afterStall(dueMs: number): number {
    const { stall } = this.#profile;
    if (stall === null) return dueMs;
    this.#stall ??= this.#stallAfter(dueMs, stall);
    while (this.#stall.untilMs <= dueMs) this.#stall = this.#stallAfter(this.#stall.untilMs, stall);
    return dueMs >= this.#stall.fromMs ? this.#stall.untilMs : dueMs;
  }

  #stallAfter(ms: number, stall: NonNullable<DirectionProfile["stall"]>) {
    const fromMs = ms + this.#exponential(stall.meanIntervalMs);
    return { fromMs, untilMs: fromMs + stall.durationMs };
  }

  #exponential(mean: number): number {
    // 1 − u is above 0, so that the logarithm is finite.
    return mean === 0 ? 0 : -mean * Math.log(1 - this.#random.next());
  }
}
