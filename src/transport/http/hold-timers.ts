/** Something that is held until a deadline. */
export interface Holdable {
  /** The deadline has come. */
  holdEnded(): void;
}

/**
 * Holds end on the last tick before their deadline, so a hold may be a tick short and is never long.
 * 100 ms is nothing against 25 s, and joining a tick's set costs a tenth of a timer of one's own.
 */
const TICK_MS = 100;

/** One coarse timer for every held poll; it runs only while something is held. */
export class HoldTimers {
  readonly #ticks = new Map<number, Set<Holdable>>();
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #current = 0;
  #count = 0;

  /** @param onError told of an exception in `holdEnded`; the other holds go on. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** How many are held. */
  get count(): number {
    return this.#count;
  }

  /** Calls `holdEnded` at most `holdMs` from now. Returns the tick {@link cancel} wants back. */
  add(holdable: Holdable, holdMs: number): number {
    if (this.#timer === null) this.#begin();
    const tick = Math.max(this.#current + 1, Math.floor((performance.now() + holdMs) / TICK_MS));
    this.#count += 1;
    const due = this.#ticks.get(tick);
    if (due === undefined) this.#ticks.set(tick, new Set([holdable]));
    else due.add(holdable);
    return tick;
  }

  cancel(holdable: Holdable, tick: number): void {
    const due = this.#ticks.get(tick);
    if (due?.delete(holdable) !== true) return;
    this.#count -= 1;
    if (due.size > 0) return;
    this.#ticks.delete(tick);
    if (this.#ticks.size === 0) this.stop();
  }

  /** Forgets every hold. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#ticks.clear();
    this.#count = 0;
  }

  #begin(): void {
    this.#current = Math.floor(performance.now() / TICK_MS);
    this.#timer = setInterval(() => this.#advance(), TICK_MS);
  }

  #advance(): void {
    const now = Math.floor(performance.now() / TICK_MS);
    while (this.#current < now) {
      this.#current += 1;
      const due = this.#ticks.get(this.#current);
      if (due === undefined) continue;
      this.#ticks.delete(this.#current);
      this.#count -= due.size;
      for (const holdable of due) this.#end(holdable);
    }
    if (this.#ticks.size === 0) this.stop();
  }

  #end(holdable: Holdable): void {
    try {
      holdable.holdEnded();
    } catch (error) {
      this.#onError(error);
    }
  }
}
