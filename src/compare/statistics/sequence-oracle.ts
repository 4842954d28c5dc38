/** What became of a stream of numbered messages at one reader. */
export interface DeliveryCount {
  readonly expected: number;
  readonly received: number;
  /** Never came. */
  readonly lost: number;
  /** Second and further copies. */
  readonly duplicates: number;
  /** First copies that came after a message of a later number. */
  readonly reordered: number;
}

/**
 * Knows every number that must come, once and in order, and counts each departure from it exactly.
 * A message that overtakes k others makes k reordered ones: those are what came too late.
 */
export class SequenceOracle {
  readonly #seen: Uint8Array;
  #received = 0;
  #duplicates = 0;
  #reordered = 0;
  #highest = -1;

  /** Numbers 0…`expected` − 1 must come. */
  constructor(expected: number) {
    this.#seen = new Uint8Array(expected);
  }

  /** Whether `place` has come for the first time. Throws `RangeError` for one nobody sent. */
  receive(place: number): boolean {
    const seen = this.#seen[place];
    if (seen === undefined) throw new RangeError(`message ${place} was never sent`);
    if (seen === 1) {
      this.#duplicates += 1;
      return false;
    }
    this.#seen[place] = 1;
    this.#received += 1;
    if (place < this.#highest) this.#reordered += 1;
    else this.#highest = place;
    return true;
  }

  count(): DeliveryCount {
    const expected = this.#seen.length;
    return {
      expected,
      received: this.#received,
      lost: expected - this.#received,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
    };
  }
}
