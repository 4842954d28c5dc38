import type { Direction } from "./wire-tally.ts";

/** Reads one connection's bytes, both ways, and charges each to its cause. */
export interface WireAccount {
  /** Bytes in the order in which they passed, however they were cut. */
  take(direction: Direction, bytes: Buffer): void;
}

/** A buffer that bytes are added to and whole units are cut from. */
export class Assembly {
  #bytes: Buffer = Buffer.alloc(0);

  get bytes(): Buffer {
    return this.#bytes;
  }

  add(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** Takes the first `count` bytes away. */
  cut(count: number): Buffer {
    const unit = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return unit;
  }
}
