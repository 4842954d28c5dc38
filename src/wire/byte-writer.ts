/** 4 KiB: a page, and more than a common message needs in any of its wire forms. */
const INITIAL_BYTES = 4_096;

/** 4 MiB: what a reused writer may keep after a large message; more is given back by `reset`. */
const KEPT_BYTES = 4_194_304;

/**
 * Bytes written one after the other into a buffer that grows. Callers reuse one writer: what it
 * returns is a view that holds until the next write, unless they ask for a copy.
 *
 * Codecs in a hurry call {@link reserve}, then write `buffer` directly and set `position`.
 */
export class ByteWriter {
  /** Replaced when it grows: read it again after every call that may reserve. */
  buffer: Uint8Array;
  /** Where the next byte goes; may be set back to take bytes away. */
  position = 0;
  readonly #initialBytes: number;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.#initialBytes = initialBytes;
    this.buffer = new Uint8Array(initialBytes);
  }

  /** Starts again at 0. Views handed out earlier are about to be overwritten. */
  reset(): void {
    this.position = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = new Uint8Array(this.#initialBytes);
  }

  /** Makes room for `bytes` more at the position. */
  reserve(bytes: number): void {
    if (this.position + bytes > this.buffer.length) this.#grow(this.position + bytes);
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.position] = value;
    this.position += 1;
  }

  /** Writes text the caller knows to be ASCII: one byte a character, unchecked. */
  ascii(text: string): void {
    const length = text.length;
    this.reserve(length);
    const buffer = this.buffer;
    let position = this.position;
    for (let i = 0; i < length; i += 1) {
      buffer[position] = text.charCodeAt(i);
      position += 1;
    }
    this.position = position;
  }

  /** Writes text as UTF-8; a lone surrogate becomes U+FFFD, as UTF-8 cannot carry it. */
  utf8(text: string): void {
    // A UTF-16 unit is at most 3 bytes of UTF-8: a pair is 2 units and 4 bytes.
    this.reserve(text.length * 3);
    const buffer = this.buffer;
    let position = this.position;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code < 0x80) {
        buffer[position] = code;
        position += 1;
      } else if (code < 0x800) {
        buffer[position] = 0xc0 | (code >> 6);
        buffer[position + 1] = 0x80 | (code & 0x3f);
        position += 2;
      } else {
        const point = codePointAt(text, i, code);
        if (point > 0xffff) i += 1;
        position = putWide(buffer, position, point);
      }
    }
    this.position = position;
  }

  /** Appends a copy of the bytes. */
  bytes(source: Uint8Array): void {
    this.reserve(source.length);
    this.buffer.set(source, this.position);
    this.position += source.length;
  }

  /** What was written from `start` on, as a view that holds until the next write. */
  view(start = 0): Uint8Array {
    return this.buffer.subarray(start, this.position);
  }

  /** What was written from `start` on, as bytes of its own. */
  copy(start = 0): Uint8Array {
    return this.buffer.slice(start, this.position);
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.position));
    this.buffer = grown;
  }
}

const REPLACEMENT = 0xfffd;

function codePointAt(text: string, index: number, code: number): number {
  if (code < 0xd800 || code > 0xdfff) return code;
  const next = text.charCodeAt(index + 1);
  const isPair = code < 0xdc00 && next >= 0xdc00 && next <= 0xdfff;
  return isPair ? 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00) : REPLACEMENT;
}

/** Writes a code point of three or four bytes; returns the position after it. */
function putWide(buffer: Uint8Array, position: number, point: number): number {
  if (point <= 0xffff) {
    buffer[position] = 0xe0 | (point >> 12);
    buffer[position + 1] = 0x80 | ((point >> 6) & 0x3f);
    buffer[position + 2] = 0x80 | (point & 0x3f);
    return position + 3;
  }
  buffer[position] = 0xf0 | (point >> 18);
  buffer[position + 1] = 0x80 | ((point >> 12) & 0x3f);
  buffer[position + 2] = 0x80 | ((point >> 6) & 0x3f);
  buffer[position + 3] = 0x80 | (point & 0x3f);
  return position + 4;
}
