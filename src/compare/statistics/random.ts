/**
 * A seeded generator (mulberry32): the same seed draws the same run, so a result can be repeated.
 * Not for secrets. Its period of 2^32 is far more than the positions of any run.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number of 0…1, 1 excluded. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number of 0…`limit` − 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A copy of `items` in an order drawn at random, each order equally likely (Fisher–Yates). */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const left = [...items];
    const drawn: Item[] = [];
    while (left.length > 0) drawn.push(...left.splice(this.below(left.length), 1));
    return drawn;
  }
}
