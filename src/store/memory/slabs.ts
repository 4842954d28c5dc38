/**
 * Bytes kept in large blocks. Each payload is copied once; a copy of its own for every message would
 * cost 45–380 ns and as much again for the collector.
 */
export class Slabs {
  readonly #slabBytes: number;
  #current: Buffer;
  #used = 0;

  /** @param slabBytes size of a block; payloads over a quarter of it get a block of their own. */
  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
    this.#current = Buffer.allocUnsafeSlow(0);
  }

  /** Where the last {@link put} begins in the slab it returned. */
  start = 0;

  /** Copies the bytes in and returns the slab that holds them, from {@link start} on. */
  put(bytes: Uint8Array): Uint8Array {
    const length = bytes.length;
    if (length > this.#slabBytes >>> 2) {
      // Not from the shared pool: it would pin what lies beside it.
      const own = Buffer.allocUnsafeSlow(length);
      own.set(bytes);
      this.start = 0;
      return own;
    }
    if (this.#used + length > this.#current.length) {
      // A full slab is left to the collector, never written again: sockets may still hold views of it.
      this.#current = Buffer.allocUnsafeSlow(this.#slabBytes);
      this.#used = 0;
    }
    this.#current.set(bytes, this.#used);
    this.start = this.#used;
    this.#used += length;
    return this.#current;
  }
}
