import type { Message } from "../bus/message.ts";
import { OffsetQueue } from "../bus/offset-queue.ts";
import type { WriteBatch } from "./write-batch.ts";

/** Encodes one message; the result is copied before the next call. */
export type MessageEncoder = (message: Message) => Uint8Array;

/**
 * 16,384 messages: a full queue of the default length, 400 KiB of places. A reader that is
 * further behind has its messages encoded for itself alone; when many are, as after a stall of the
 * host, that costs so much that none of them catches up (measured: 1.8 M deliveries/s fell to
 * 0.28 M while 4,096 were kept).
 */
const KEPT_MESSAGES = 16_384;

/** Bytes kept encoded; readers further behind cost an encoding of their own. */
const KEPT_BYTES = 8_388_608;

/** Neighbours in a block leave as one range; 256 KiB is as much as one connection writes in a tick. */
const BLOCK_BYTES = 262_144;

/**
 * The newest messages in one wire form, each encoded once for all readers. They lie side by side in
 * blocks that are never written again, so that a run of messages is one range of bytes shared by
 * every connection.
 */
export class EncodedTail {
  readonly #encode: MessageEncoder;
  readonly #mask = KEPT_MESSAGES - 1;
  readonly #offsets = new Float64Array(KEPT_MESSAGES);
  readonly #blocks: (Uint8Array | undefined)[] = new Array(KEPT_MESSAGES).fill(undefined);
  readonly #starts = new Uint32Array(KEPT_MESSAGES);
  readonly #ends = new Uint32Array(KEPT_MESSAGES);
  readonly #kept = new OffsetQueue();
  #keptBytes = 0;
  #newest = 0;
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(encode: MessageEncoder) {
    this.#encode = encode;
  }

  /**
   * Adds the message at `offset` to the batch and returns its bytes. `messageAt` is asked only when
   * the message is not kept encoded; 0 bytes when it has none. `skip` leaves out that many bytes at
   * its front, such as a separator.
   */
  addTo(
    batch: WriteBatch,
    offset: number,
    source: { messageAt(offset: number): Message | undefined },
    skip = 0,
  ): number {
    const slot = offset & this.#mask;
    if (this.#offsets[slot] === offset) return this.#addKept(batch, slot, skip);
    const message = source.messageAt(offset);
    if (message === undefined) return 0;
    const bytes = this.#encode(message);
    if (offset <= this.#newest) {
      // A reader far behind: keeping this would push out what the others are about to need.
      batch.add(new Uint8Array(bytes.subarray(skip)));
      return bytes.length - skip;
    }
    this.#keep(offset, bytes);
    return this.#addKept(batch, slot, skip);
  }

  #addKept(batch: WriteBatch, slot: number, skip: number): number {
    const block = this.#blocks[slot];
    if (block === undefined) return 0;
    const start = (this.#starts[slot] ?? 0) + skip;
    const end = this.#ends[slot] ?? 0;
    batch.addShared(block, start, end);
    return end - start;
  }

  #keep(offset: number, bytes: Uint8Array): void {
    this.#newest = offset;
    if (this.#used + bytes.length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes.length));
      this.#used = 0;
    }
    this.#block.set(bytes, this.#used);
    const slot = offset & this.#mask;
    this.#forgetUntilRoom(offset, bytes.length);
    this.#offsets[slot] = offset;
    this.#blocks[slot] = this.#block;
    this.#starts[slot] = this.#used;
    this.#ends[slot] = this.#used + bytes.length;
    this.#used += bytes.length;
    this.#kept.push(offset);
    this.#keptBytes += bytes.length;
  }

  #forgetUntilRoom(offset: number, bytes: number): void {
    while (this.#kept.length > 0) {
      const isOutOfReach = this.#kept.peek() <= offset - KEPT_MESSAGES;
      if (!isOutOfReach && this.#keptBytes + bytes <= KEPT_BYTES) return;
      const slot = this.#kept.shift() & this.#mask;
      this.#keptBytes -= (this.#ends[slot] ?? 0) - (this.#starts[slot] ?? 0);
      this.#offsets[slot] = 0;
      this.#blocks[slot] = undefined;
    }
  }
}
