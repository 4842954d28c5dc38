/** Any packet: first byte, remaining length, body. */
export function packet(firstByte: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(firstByte), variableInteger(body.length), body]);
}

/** A number of one to four bytes, in as few as it needs (MQTT 5 §1.5.5). */
export function variableInteger(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from(bytes);
}

export function uint16(value: number): Buffer {
  return Buffer.of((value >> 8) & 0xff, value & 0xff);
}

export function uint32(value: number): Buffer {
  return Buffer.concat([uint16(Math.floor(value / 65_536)), uint16(value % 65_536)]);
}

/** Text, or bytes that may be no text at all, with their length before them. */
export function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

/** Takes fields from a packet of the server; whatever does not fit is an error of the server's. */
export class FieldCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.take(1).readUInt8(0);
  }

  uint16(): number {
    return this.take(2).readUInt16BE(0);
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0);
  }

  variableInteger(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) throw new Error("a variable byte integer is too long [1.5.5-1]");
      return value;
    }
    throw new Error("a variable byte integer has more than four bytes");
  }

  binary(): Buffer {
    return this.take(this.uint16());
  }

  text(): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.binary());
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new Error("a field goes past the end of its packet");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
