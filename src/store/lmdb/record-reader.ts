import { RecordError } from "./record-error.ts";

/**
 * Reads what `RecordWriter` wrote. Never reads beyond the record, and never asks for more memory
 * than the record has bytes; whatever does not fit throws a {@link RecordError}.
 */
export class RecordReader {
  readonly #record: Buffer;
  #at = 0;

  constructor(record: Uint8Array) {
    this.#record = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#record.length;
  }

  byte(): number {
    const value = this.#record[this.#at];
    if (value === undefined) throw new RecordError(`ends after ${this.#at} bytes`);
    this.#at += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new RecordError("holds a number above 2^53 - 1");
      if (byte < 0x80) return value;
      factor *= 128;
      // Eight groups of seven bits hold 2^53 - 1.
      if (factor > 2 ** 49) throw new RecordError("holds a number of more than eight bytes");
    }
  }

  /** A varint from `low` to `high`; `what` names it in the error. */
  within(low: number, high: number, what: string): number {
    const value = this.varint();
    if (value >= low && value <= high) return value;
    throw new RecordError(`has ${what} ${value}; it is from ${low} to ${high}`);
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    if (this.#at + 8 > this.#record.length) throw new RecordError("ends within a number");
    const value = this.#record.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** Bytes of their own. */
  bytes(): Uint8Array {
    const start = this.#skip();
    return new Uint8Array(this.#record.subarray(start, this.#at));
  }

  text(): string {
    const start = this.#skip();
    return this.#record.toString("utf8", start, this.#at);
  }

  /** Throws when anything is left. */
  end(): void {
    if (this.isAtEnd) return;
    throw new RecordError(`has ${this.#record.length - this.#at} bytes after its end`);
  }

  /** Passes over bytes with their number before them; returns where they start. */
  #skip(): number {
    const length = this.varint();
    const start = this.#at;
    if (length > this.#record.length - start) {
      throw new RecordError(`ends within ${length} bytes of text or payload`);
    }
    this.#at = start + length;
    return start;
  }
}
