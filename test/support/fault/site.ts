import type { GatewayUrls } from "../contract/client.ts";

/** One lifetime of the gateway: where it listens. */
export interface Place {
  readonly generation: number;
  readonly urls: GatewayUrls;
}

/** Where the gateway is now; clients that lose it wait here for the next one. */
export class Site {
  #place: Place | null = null;
  #generation = 0;
  #isClosed = false;
  #waiters: { readonly after: number; readonly resolve: (place: Place | null) => void }[] = [];

  up(urls: GatewayUrls): void {
    this.#generation += 1;
    this.#place = { generation: this.#generation, urls };
    this.#wake();
  }

  down(): void {
    this.#place = null;
  }

  /** Everybody goes home: who waits, or will, gets `null`. */
  close(): void {
    this.#isClosed = true;
    this.#place = null;
    this.#wake();
  }

  /** The gateway of a later lifetime than `after`, as soon as there is one; `null` when the run is over. */
  next(after: number): Promise<Place | null> {
    if (this.#isClosed) return Promise.resolve(null);
    if (this.#place !== null && this.#place.generation > after) return Promise.resolve(this.#place);
    return new Promise((resolve) => this.#waiters.push({ after, resolve }));
  }

  #wake(): void {
    const place = this.#place;
    const isOver = (after: number) =>
      this.#isClosed || (place !== null && place.generation > after);
    const due = this.#waiters.filter(({ after }) => isOver(after));
    this.#waiters = this.#waiters.filter(({ after }) => !isOver(after));
    for (const { resolve } of due) resolve(place);
  }
}
