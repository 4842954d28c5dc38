import { malformed, PacketError } from "./packet-error.ts";
import { REASON } from "./reason-codes.ts";

/** Told of each packet that is complete, in order. */
export interface PacketSink {
  /**
   * `bytes[start…end)` is one packet, its variable header begins at `body`. The bytes are the
   * caller's own until this returns. Returns whether it takes another one now.
   */
  packet(bytes: Buffer, start: number, body: number, end: number): boolean;
}

/** A remaining length takes at most four bytes (§1.5.5). */
const MAX_LENGTH_BYTES = 4;

/** What an unfinished packet gets at first; most control packets fit. */
const FIRST_PARTIAL_BYTES = 256;

const EMPTY = Buffer.alloc(0);

/**
 * Cuts a byte stream into packets where they lie: only the packet that two chunks share is copied,
 * never the chunk. The size limit is read off the fixed header, before a packet is kept; the room of
 * an unfinished packet grows with what has arrived, never with what was announced.
 */
export class PacketScanner {
  /** Bytes a packet may have in all; may be changed between packets. */
  maxPacketBytes: number;
  #partial: Buffer = EMPTY;
  #used = 0;
  /** Bytes the packet being looked at has in all, as far as its header tells. */
  #needed = 0;
  #isOver = false;

  constructor(maxPacketBytes: number) {
    this.maxPacketBytes = maxPacketBytes;
  }

  /** Bytes held of a packet that is not complete. */
  get pendingBytes(): number {
    return this.#used;
  }

  /**
   * Takes what has arrived, from a position on, until the sink takes no more. Returns how far that
   * was: the rest is to be offered again. Throws {@link PacketError}; the stream is over then, and
   * what comes later is dropped.
   */
  push(chunk: Buffer, sink: PacketSink, from = 0): number {
    if (this.#isOver) return chunk.length;
    // Set before anything can throw, and taken back when nothing did.
    this.#isOver = true;
    let at = from;
    let isWanted = true;
    if (this.#used > 0) {
      at = this.#complete(chunk, at);
      if (this.#used === this.#needed) isWanted = this.#handOver(sink);
    }
    if (isWanted) at = this.#scan(chunk, at, sink);
    this.#isOver = false;
    return at;
  }

  #scan(chunk: Buffer, from: number, sink: PacketSink): number {
    let at = from;
    while (at < chunk.length) {
      const body = this.#bodyOf(chunk, at, chunk.length);
      const end = at + this.#needed;
      if (body === 0 || end > chunk.length) {
        this.#keep(chunk, at, chunk.length);
        return chunk.length;
      }
      if (!sink.packet(chunk, at, body, end)) return end;
      at = end;
    }
    return at;
  }

  /** Adds what the unfinished packet lacks. Returns how much of the chunk that took. */
  #complete(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const body = this.#bodyOf(this.#partial, 0, this.#used);
      const end = Math.min(chunk.length, at + this.#needed - this.#used);
      this.#keep(chunk, at, end);
      at = end;
      if (body !== 0) break;
    }
    // The header may be complete only now, and say that nothing follows it.
    this.#bodyOf(this.#partial, 0, this.#used);
    return at;
  }

  #handOver(sink: PacketSink): boolean {
    const packet = this.#partial;
    const end = this.#used;
    const body = this.#bodyOf(packet, 0, end);
    this.#partial = EMPTY;
    this.#used = 0;
    return sink.packet(packet, 0, body, end);
  }

  /** Where the variable header begins, or 0 when the fixed header is unfinished; sets `#needed`. */
  #bodyOf(bytes: Buffer, start: number, end: number): number {
    let length = 0;
    for (let i = 1; i <= MAX_LENGTH_BYTES; i += 1) {
      if (start + i >= end) {
        this.#needed = i + 1;
        return 0;
      }
      const byte = bytes[start + i] ?? 0;
      length += (byte & 0x7f) << (7 * (i - 1));
      if (byte >= 0x80) continue;
      this.#needed = 1 + i + length;
      if (this.#needed > this.maxPacketBytes) throw tooLarge(this.#needed, this.maxPacketBytes);
      return start + 1 + i;
    }
    throw malformed("remaining length takes more than 4 bytes (§1.5.5)");
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const used = this.#used + end - start;
    if (used > this.#partial.length) {
      const room = Math.max(FIRST_PARTIAL_BYTES, used, this.#partial.length * 2);
      const grown = Buffer.allocUnsafeSlow(room);
      this.#partial.copy(grown, 0, 0, this.#used);
      this.#partial = grown;
    }
    bytes.copy(this.#partial, this.#used, start, end);
    this.#used = used;
  }
}

function tooLarge(bytes: number, limit: number): PacketError {
  return new PacketError(REASON.packetTooLarge, `packet is ${bytes} bytes; the limit is ${limit}`);
}
