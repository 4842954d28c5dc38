/** Empty places it takes before moving the rest up is worth it. */
const MIN_EMPTY_PLACES = 64;

/**
 * The records one session's queue is stored in, and how many entries of each are not done: a record
 * without any is deleted. Three numbers a record, whatever the number of its entries.
 */
export class QueueRuns {
  #firsts: number[] = [];
  #lasts: number[] = [];
  /** Entries that are not done; 0 is an empty place. */
  #open: number[] = [];
  #head = 0;
  #empty = 0;

  /** Records that still have an entry. */
  get count(): number {
    return this.#firsts.length - this.#head - this.#empty;
  }

  /** Adds a record with `open` entries, above all others. */
  add(first: number, last: number, open: number): void {
    this.#firsts.push(first);
    this.#lasts.push(last);
    this.#open.push(open);
  }

  /**
   * An entry that was not done is. Returns the first sequence of its record when that was the last
   * one of it, else `null`; also for an entry that is in no record.
   */
  close(sequence: number): number | null {
    const index = this.#indexOf(sequence);
    const first = this.#firsts[index];
    const open = this.#open[index];
    if (first === undefined || open === undefined || open === 0) return null;
    this.#open[index] = open - 1;
    if (open > 1) return null;
    this.#empty += 1;
    this.#forgetEmpty();
    return first;
  }

  /** First sequences of the records that still have an entry. */
  *firsts(): Generator<number> {
    for (let i = this.#head; i < this.#firsts.length; i += 1) {
      const first = this.#firsts[i];
      if (first !== undefined && (this.#open[i] ?? 0) > 0) yield first;
    }
  }

  /** The record that reaches over `sequence`, or -1. Mostly the first one: queues end in order. */
  #indexOf(sequence: number): number {
    let low = this.#head;
    let high = this.#firsts.length;
    if ((this.#lasts[low] ?? 0) < sequence) {
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((this.#lasts[middle] ?? 0) < sequence) low = middle + 1;
        else high = middle;
      }
    }
    return (this.#firsts[low] ?? Number.POSITIVE_INFINITY) <= sequence ? low : -1;
  }

  #forgetEmpty(): void {
    while (this.#head < this.#open.length && this.#open[this.#head] === 0) {
      this.#head += 1;
      this.#empty -= 1;
    }
    const places = this.#head + this.#empty;
    if (places < MIN_EMPTY_PLACES || places * 2 < this.#firsts.length) return;
    const open = this.#open;
    const isOpen = (_: number, i: number): boolean => (open[i] ?? 0) > 0;
    this.#firsts = this.#firsts.filter(isOpen);
    this.#lasts = this.#lasts.filter(isOpen);
    this.#open = open.filter(isOpen);
    this.#head = 0;
    this.#empty = 0;
  }
}
