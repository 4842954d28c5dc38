/** Bytes of the first block; most records fit, and it doubles for those that do not. */
const FIRST_BLOCK_BYTES = 4_096;

/** Builds the bytes of one record after another in a block that is used again. */
export class RecordWriter {
  #block = Buffer.allocUnsafe(FIRST_BLOCK_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#block[this.#length] = value;
    this.#length += 1;
  }

  /** A whole number of 0…2^53−1 in groups of seven bits, the lowest first: small ones take one byte. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      // Bit operations would cut the number to 32 bits.
      this.#block[this.#length] = (rest % 128) + 128;
      this.#length += 1;
      rest = Math.floor(rest / 128);
    }
    this.#block[this.#length] = rest;
    this.#length += 1;
  }

  /** A whole number that may be negative, as a varint of its magnitude with the sign below it. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#block.writeDoubleLE(value, this.#length);
    this.#length += 8;
  }

  /** Bytes with their number before them. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#block.set(value, this.#length);
    this.#length += value.length;
  }

  /** Text with the number of its UTF-8 bytes before it. */
  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.varint(size);
    this.#reserve(size);
    this.#block.write(value, this.#length);
    this.#length += size;
  }

  /** The record so far, as bytes of its own; the next one starts empty. */
  take(): Buffer {
    const record = Buffer.from(this.#block.subarray(0, this.#length));
    this.#length = 0;
    return record;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#block.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#block.length * 2));
    larger.set(this.#block.subarray(0, this.#length));
    this.#block = larger;
  }
}
