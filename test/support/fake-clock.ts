import type { Clock } from "../../src/bus/clock.ts";

/** A clock that moves only when a test moves it. */
export class FakeClock implements Clock {
  #now = 1_700_000_000_000;

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
