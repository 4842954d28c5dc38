import { Duplex } from "node:stream";

/** What stands behind the stream. */
export interface StreamHost {
  /** Bytes to send; they may belong to a cache and must be copied before the end of the tick. */
  written(bytes: Uint8Array): void;
  /** Everything fed has been read. */
  drained(): void;
  /** aedes has ended the connection. */
  destroyed(): void;
}

/**
 * The connection as aedes sees it. Writing always succeeds at once: a client that does not read is
 * dealt with by its queues, and must never hold up aedes, which waits for the slowest socket
 * (aedes/lib/write.js). Reading hands over all there is, as aedes asks with `read(null)` after each
 * packet (aedes/lib/client.js `nextBatch`).
 */
export class AedesStream extends Duplex {
  readonly #host: StreamHost;
  #input: Buffer[] = [];
  #inputBytes = 0;

  constructor(host: StreamHost) {
    super({ autoDestroy: true, emitClose: true });
    this.#host = host;
  }

  /** Bytes fed and not read yet. */
  get inputBytes(): number {
    return this.#inputBytes;
  }

  /** Offers whole packets. Must not be called from within aedes' parser. */
  feed(packets: Buffer): void {
    this.#input.push(packets);
    this.#inputBytes += packets.length;
    this.emit("readable");
  }

  override read(size?: number): Buffer | null {
    // Node's own machinery asks for 0 bytes to learn whether there are any.
    if (size === 0 || this.#inputBytes === 0) return null;
    const [first] = this.#input;
    const bytes = this.#input.length === 1 ? first : Buffer.concat(this.#input);
    this.#input = [];
    this.#inputBytes = 0;
    this.#host.drained();
    return bytes ?? null;
  }

  override write(chunk: Uint8Array | string): boolean {
    if (!this.destroyed) {
      this.#host.written(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    }
    return true;
  }

  /** The outbox collects; aedes need not. */
  override cork(): void {
    return;
  }

  override uncork(): void {
    return;
  }

  override _read(): void {
    return;
  }

  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    this.#input = [];
    this.#inputBytes = 0;
    this.#host.destroyed();
    callback(null);
  }
}
