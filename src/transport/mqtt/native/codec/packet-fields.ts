import { copyBytes } from "../../../../bus/message.ts";
import { malformed } from "./packet-error.ts";
import { readText } from "./wire-text.ts";

/**
 * Reads the fields of one packet in order (MQTT 5 §1.5). Whatever does not fit, or is not what it
 * must be, throws a {@link PacketError} that says malformed.
 */
export class PacketFields {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  /** Reads `bytes[start…end)`. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** An integer of one to four bytes, in as few as it needs [MQTT-1.5.5-1]. */
  variableInteger(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) {
        throw malformed("a variable byte integer is longer than it needs to be [MQTT-1.5.5-1]");
      }
      return value;
    }
    throw malformed("a variable byte integer takes more than 4 bytes (§1.5.5)");
  }

  /** Bytes with a two-byte length before them (§1.5.6), as bytes of their own. */
  binary(): Uint8Array {
    const length = this.uint16();
    const start = this.#take(length);
    return copyBytes(this.#bytes.subarray(start, start + length));
  }

  /** A UTF-8 string (§1.5.4); `subject` names it in the error. */
  text(subject: string): string {
    const length = this.uint16();
    const start = this.#take(length);
    const text = readText(this.#bytes, start, start + length);
    if (text === null) {
      throw malformed(`${subject} is not UTF-8 or holds U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]`);
    }
    return text;
  }

  /** The next `length` bytes, to be read as fields of their own. */
  section(length: number): PacketFields {
    const start = this.#take(length);
    return new PacketFields(this.#bytes, start, start + length);
  }

  /** Throws unless everything has been read; `subject` names the packet. */
  expectEnd(subject: string): void {
    if (this.left > 0) throw malformed(`${subject} is ${this.left} bytes longer than its fields`);
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#end) throw malformed("a field goes past the end of its packet");
    this.#at += length;
    return start;
  }
}
