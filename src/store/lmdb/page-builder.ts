import type { LogPage, PageLimits } from "../../bus/ports.ts";

/** Collects the offsets of one step of reading within its limits. */
export class PageBuilder {
  readonly #limits: PageLimits;
  readonly #offsets: number[] = [];
  #bytes = 0;
  #isFull = false;

  constructor(limits: PageLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#offsets.length;
  }

  /** A message had no room: the page ends with the last that had. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes a message, or answers `false` and is full. The first one always has room. */
  offer(offset: number, payloadBytes: number): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    const count = this.#offsets.length;
    if (count >= maxMessages || (count > 0 && this.#bytes + payloadBytes > maxBytes)) {
      this.#isFull = true;
      return false;
    }
    this.#offsets.push(offset);
    this.#bytes += payloadBytes;
    return true;
  }

  /** The page, when everything up to `through` was looked at or the page is full. */
  finish(through: number): LogPage {
    const last = this.#offsets[this.#offsets.length - 1];
    const end = this.#isFull && last !== undefined ? last : through;
    return { offsets: this.#offsets, through: end, gap: null };
  }
}
