import { GatewayError } from "../../errors.ts";

/** Told of each packet that is complete, in order. Throws to refuse the connection. */
export interface PacketVisitor {
  /**
   * `bytes[start…end)` is one packet, its variable header begins at `body`. Returns what the caller
   * does with it: `run` leaves it with its neighbours, `alone` hands it over by itself, `last` hands
   * it over and drops whatever follows.
   */
  packet(bytes: Buffer, start: number, body: number, end: number): "run" | "alone" | "last";
  /** Packets side by side that were all judged `run`, or one that was not. */
  complete(bytes: Buffer, how: "run" | "alone" | "last"): void;
}

/** A remaining length takes at most four bytes [MQTT-2.2.3]. */
const MAX_LENGTH_BYTES = 4;

/** 256 bytes: what an unfinished packet gets at first; most control packets fit. */
const FIRST_PARTIAL_BYTES = 256;

const EMPTY = Buffer.alloc(0);

/**
 * Cuts a byte stream into packets. The size limit is read off the fixed header, before the packet is
 * kept; an unfinished packet is held in one buffer that grows with what has arrived, never with what
 * was announced.
 */
export class PacketSplitter {
  readonly #maxPacketBytes: number;
  #partial: Buffer = EMPTY;
  #used = 0;
  /** Bytes the unfinished packet has in all, as far as its header tells; 0 before that. */
  #needed = 0;
  #isOver = false;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Bytes held of a packet that is not complete. */
  get pendingBytes(): number {
    return this.#used;
  }

  /**
   * Takes what has arrived. Throws `too_large` or `bad_request`; the stream cannot be used further
   * then. The chunk may be kept by the visitor, and is not kept here.
   */
  push(chunk: Buffer, visitor: PacketVisitor): void {
    if (this.#isOver) return;
    if (this.#used === 0) {
      this.#scan(chunk, visitor);
      return;
    }
    this.#keep(chunk);
    if (this.#used < this.#needed) return;
    const bytes = this.#partial.subarray(0, this.#used);
    this.#partial = EMPTY;
    this.#used = 0;
    this.#scan(bytes, visitor);
  }

  #scan(bytes: Buffer, visitor: PacketVisitor): void {
    let runStart = 0;
    let at = 0;
    while (at < bytes.length) {
      const body = this.#bodyOf(bytes, at);
      if (body === 0 || at + this.#needed > bytes.length) break;
      const end = at + this.#needed;
      const how = visitor.packet(bytes, at, body, end);
      if (how !== "run") {
        if (runStart < at) visitor.complete(bytes.subarray(runStart, at), "run");
        visitor.complete(bytes.subarray(at, end), how);
        runStart = end;
      }
      at = end;
      if (how === "last") {
        this.#isOver = true;
        return;
      }
    }
    if (runStart < at) visitor.complete(bytes.subarray(runStart, at), "run");
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  /** Where the variable header begins, or 0 when the fixed header is unfinished; sets `#needed`. */
  #bodyOf(bytes: Buffer, start: number): number {
    let length = 0;
    let factor = 1;
    for (let i = 1; i <= MAX_LENGTH_BYTES; i += 1) {
      const byte = bytes[start + i];
      if (byte === undefined) {
        this.#needed = i + 1;
        return 0;
      }
      length += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte >= 0x80) continue;
      this.#needed = 1 + i + length;
      if (this.#needed > this.#maxPacketBytes) {
        throw new GatewayError(
          "too_large",
          `packet is ${this.#needed} bytes; the limit is ${this.#maxPacketBytes}`,
        );
      }
      return start + 1 + i;
    }
    throw new GatewayError("bad_request", "remaining length takes more than 4 bytes [MQTT-2.2.3]");
  }

  #keep(bytes: Buffer): void {
    const used = this.#used + bytes.length;
    if (used > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(FIRST_PARTIAL_BYTES, used, this.#partial.length * 2),
      );
      this.#partial.copy(grown, 0, 0, this.#used);
      this.#partial = grown;
    }
    bytes.copy(this.#partial, this.#used);
    this.#used = used;
  }
}
