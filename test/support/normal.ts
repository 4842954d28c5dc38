import { Random } from "../../src/compare/statistics/random.ts";

/** Seeded normal draws of mean 0 and variance 1 (Box and Muller). */
export class Normal {
  readonly #random: Random;
  #spare: number | null = null;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** A number of 0…1, 1 excluded. */
  uniform(): number {
    return this.#random.next();
  }

  next(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random.next()));
    const angle = 2 * Math.PI * this.#random.next();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}
