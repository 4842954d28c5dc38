/**
 * Messages that may be sent and not yet received by the slowest reader. Half of what a live queue holds by
 * default (16,384), so that no overflow policy fires and what is measured is delivery, not dropping.
 */
const WINDOW = 8_192;

/** Counts what each reader has received, and lets the publisher go on while the slowest keeps up. */
export class Window {
  readonly #received: Float64Array;
  readonly #refill: (room: number) => number;
  #sent = 0;
  #isRefilling = false;

  /** `refill` sends up to `room` messages and returns how many it sent. */
  constructor(readers: number, refill: (room: number) => number) {
    this.#received = new Float64Array(readers);
    this.#refill = refill;
  }

  /** Deliveries so far, over all readers. */
  get delivered(): number {
    let sum = 0;
    for (const count of this.#received) sum += count;
    return sum;
  }

  receive(reader: number, count: number): void {
    this.#received[reader] = (this.#received[reader] ?? 0) + count;
    this.advance();
  }

  /** Sends what the window has room for, at the end of the turn: one look at all readers for many chunks. */
  advance(): void {
    if (this.#isRefilling) return;
    this.#isRefilling = true;
    setImmediate(() => {
      this.#isRefilling = false;
      let slowest = Number.POSITIVE_INFINITY;
      for (const count of this.#received) if (count < slowest) slowest = count;
      const room = WINDOW - (this.#sent - slowest);
      if (room > 0) this.#sent += this.#refill(room);
    });
  }
}
