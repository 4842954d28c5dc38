import { isUtf8 } from "node:buffer";
import { GatewayError } from "../../errors.ts";

/** Reads the fields of one packet in order. Whatever does not fit throws `bad_request`. */
export class FieldReader {
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

  byte(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  /** Bytes with a two-byte length before them (MQTT 3.1.1 §1.5.3). */
  binary(): Buffer {
    const length = this.uint16();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** The same, checked as text: well-formed UTF-8 [MQTT-1.5.3-1] without U+0000 [MQTT-1.5.3-2]. */
  text(): string {
    return this.utf8().toString("utf8");
  }

  /** The bytes of a text, checked like {@link text}. */
  utf8(): Buffer {
    const bytes = this.binary();
    if (!isText(bytes)) {
      throw new GatewayError(
        "bad_request",
        "text is not UTF-8 or holds U+0000 [MQTT-1.5.3-1] [MQTT-1.5.3-2]",
      );
    }
    return bytes;
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#end) {
      throw new GatewayError("bad_request", "packet ends inside a field");
    }
    this.#at += length;
    return start;
  }
}

/** Most names are short and plain, so a loop decides them; the rest go to the decoder. */
function isText(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) return false;
    if (byte >= 0x80) return !bytes.includes(0, i) && isUtf8(bytes);
  }
  return true;
}
