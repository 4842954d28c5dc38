/**
 * Which entries of a queue are done: everything up to a sequence, and runs of sequences above it.
 * There are never more runs than entries that are not done, whatever order they end in.
 */
export class SequenceSet {
  #through: number;
  /** Rising, apart, and above `through + 1`: run `i` is `#firsts[i]…#lasts[i]`. */
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];

  constructor(through = 0) {
    this.#through = through;
  }

  /** Every sequence up to this one is in the set. */
  get through(): number {
    return this.#through;
  }

  /** The runs above {@link through}, first and last, rising. */
  *runs(): Generator<readonly [first: number, last: number]> {
    for (let i = 0; i < this.#firsts.length; i += 1) {
      yield [this.#firsts[i] ?? 0, this.#lasts[i] ?? 0];
    }
  }

  get runCount(): number {
    return this.#firsts.length;
  }

  has(sequence: number): boolean {
    if (sequence <= this.#through) return true;
    const index = this.#firstEndingAtOrAfter(sequence);
    return (this.#firsts[index] ?? Number.POSITIVE_INFINITY) <= sequence;
  }

  add(sequence: number): void {
    this.addRun(sequence, sequence);
  }

  /** Adds every sequence from `first` to `last`, those that are in it already too. */
  addRun(first: number, last: number): void {
    if (last <= this.#through) return;
    if (first <= this.#through + 1) {
      this.#through = last;
      this.#join();
      return;
    }
    let low = first;
    let high = last;
    // From the first run that touches or overlaps, to the last one that does.
    const start = this.#firstEndingAtOrAfter(first - 1);
    let end = start;
    while ((this.#firsts[end] ?? Number.POSITIVE_INFINITY) <= last + 1) {
      low = Math.min(low, this.#firsts[end] ?? low);
      high = Math.max(high, this.#lasts[end] ?? high);
      end += 1;
    }
    this.#firsts.splice(start, end - start, low);
    this.#lasts.splice(start, end - start, high);
  }

  /** Moves {@link through} over the runs it has reached. */
  #join(): void {
    let reached = 0;
    while ((this.#firsts[reached] ?? Number.POSITIVE_INFINITY) <= this.#through + 1) {
      this.#through = Math.max(this.#through, this.#lasts[reached] ?? 0);
      reached += 1;
    }
    if (reached === 0) return;
    this.#firsts.splice(0, reached);
    this.#lasts.splice(0, reached);
  }

  #firstEndingAtOrAfter(sequence: number): number {
    let low = 0;
    let high = this.#lasts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#lasts[middle] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
