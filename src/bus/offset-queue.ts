/**
 * A queue of rising offsets in a growing ring. Holds nothing until the first push, because most
 * connections are idle; 8 bytes an entry afterwards. Serves as a reader's live queue and as the
 * log's index of one topic.
 */
export class OffsetQueue {
  #ring: Float64Array = EMPTY;
  #mask = 0;
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(offset: number): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & this.#mask] = offset;
    this.#length += 1;
  }

  /** The oldest offset; `Infinity` when empty, so that a merge needs no second test. */
  peek(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#ring[this.#head] ?? 0);
  }

  /** Takes the oldest offset; `Infinity` when empty. */
  shift(): number {
    if (this.#length === 0) return Number.POSITIVE_INFINITY;
    const offset = this.#ring[this.#head] ?? 0;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length -= 1;
    return offset;
  }

  /** The entry `index` places behind the oldest. `index` is in `0…length-1`. */
  at(index: number): number {
    return this.#ring[(this.#head + index) & this.#mask] ?? 0;
  }

  /** How many of the oldest entries are at or below `offset`; binary search, as offsets rise. */
  countThrough(offset: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  clear(): void {
    this.#ring = EMPTY;
    this.#mask = 0;
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const ring = new Float64Array(Math.max(FIRST_CAPACITY, this.#ring.length * 2));
    for (let i = 0; i < this.#length; i += 1) ring[i] = this.at(i);
    this.#ring = ring;
    this.#mask = ring.length - 1;
    this.#head = 0;
  }
}

/** 8 entries, 64 bytes: a topic seen once or a connection with one message costs little more. */
const FIRST_CAPACITY = 8;
const EMPTY = new Float64Array(0);
