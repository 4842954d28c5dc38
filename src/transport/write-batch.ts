import type { Writable } from "node:stream";

/** 256 KiB: holds what one connection writes in a tick, so that it leaves in one system call. */
const SCRATCH_BYTES = 262_144;

/** Pieces below this are copied into the scratch buffer: a vector entry costs more than the copy. */
const COPY_BELOW_BYTES = 4_096;

/** Where the first byte is, where the number is, both from the range's start, and what they become. */
const PATCH_FIELDS = 3;

/** 2,048 patches, 24 KiB; doubled when a run is longer. */
const FIRST_PATCHES = 2_048;

/**
 * The bytes one connection writes in one tick. Small pieces are copied side by side; neighbouring
 * ranges of a shared block become one range, which leaves without a copy when it is large. One
 * instance serves all connections in turn.
 */
export class WriteBatch {
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** What lies before it is on its way to some connection and is never written again. */
  #begin = 0;
  #used = 0;
  /** Where the part of the scratch buffer begins that no segment covers yet. */
  #segmentStart = 0;
  readonly #segments: Uint8Array[] = [];
  #sharedBlock: Uint8Array | null = null;
  #sharedStart = 0;
  #sharedEnd = 0;
  /** What is to be changed in the shared range, which is copied then: see {@link addPatched}. */
  #patches = new Uint32Array(FIRST_PATCHES * PATCH_FIELDS);
  #patchCount = 0;
  #bytes = 0;

  /** Bytes added since the last {@link writeTo}. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds bytes; the caller may reuse small ones at once, large ones not until they are written. */
  add(bytes: Uint8Array): void {
    this.#closeShared();
    this.#bytes += bytes.length;
    this.#append(bytes, 0, bytes.length);
  }

  /** Adds `block[start…end)`, which never changes again; neighbouring ranges are joined. */
  addShared(block: Uint8Array, start: number, end: number): void {
    this.#bytes += end - start;
    if (block === this.#sharedBlock && start === this.#sharedEnd && this.#patchCount === 0) {
      this.#sharedEnd = end;
      return;
    }
    this.#openShared(block, start, end);
  }

  /**
   * Adds a copy of `block[start…end)` with another first byte, and a number of two bytes at `at`.
   * Neighbouring ranges are copied at once.
   */
  addPatched(
    block: Uint8Array,
    start: number,
    end: number,
    firstByte: number,
    at: number,
    number: number,
  ): void {
    this.#bytes += end - start;
    const isNeighbour = block === this.#sharedBlock && start === this.#sharedEnd;
    if (isNeighbour && this.#patchCount > 0) this.#sharedEnd = end;
    else this.#openShared(block, start, end);
    if (this.#patchCount * PATCH_FIELDS === this.#patches.length) this.#growPatches();
    const patch = this.#patchCount * PATCH_FIELDS;
    this.#patches[patch] = start - this.#sharedStart;
    this.#patches[patch + 1] = at - this.#sharedStart;
    this.#patches[patch + 2] = (firstByte << 16) | number;
    this.#patchCount += 1;
  }

  /**
   * Writes everything to the stream, corked, and is empty again. `onTaken` is called once the kernel
   * has all of it, or with the error for which it never will.
   */
  writeTo(stream: Writable, onTaken: (error?: Error | null) => void): void {
    this.#closeShared();
    this.#closeSegment();
    const only = this.#segments.length === 1 ? this.#segments[0] : undefined;
    if (only !== undefined) {
      stream.write(only, onTaken);
    } else {
      stream.cork();
      const last = this.#segments.length - 1;
      for (let i = 0; i < last; i += 1) stream.write(this.#segments[i]);
      stream.write(this.#segments[last], onTaken);
      stream.uncork();
    }
    this.#segments.length = 0;
    this.#bytes = 0;
    // What has not been taken yet still reads from the buffer. TLS never takes a write at once, so a
    // new buffer for each would cost more than the write; only the rest of this one is used on.
    if (stream.writableLength > 0) this.#begin = this.#used;
    this.#rewind();
  }

  /** Everything that was added as bytes of its own; the batch is empty again. */
  takeBytes(): Buffer {
    this.#closeShared();
    this.#closeSegment();
    const taken = Buffer.concat(this.#segments, this.#bytes);
    this.discard();
    return taken;
  }

  /** Forgets everything that was added. */
  discard(): void {
    this.#sharedBlock = null;
    this.#patchCount = 0;
    this.#segments.length = 0;
    this.#bytes = 0;
    this.#rewind();
  }

  #rewind(): void {
    this.#used = this.#begin;
    this.#segmentStart = this.#begin;
  }

  /** Leaves the buffer to those that still read from it. What has been added to it stays where it is. */
  #renew(): void {
    this.#closeSegment();
    this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.#begin = 0;
    this.#rewind();
  }

  #append(block: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length >= COPY_BELOW_BYTES || !this.#hasRoom(length)) {
      this.#closeSegment();
      const piece = block.subarray(start, end);
      this.#segments.push(length >= COPY_BELOW_BYTES ? piece : new Uint8Array(piece));
      return;
    }
    if (length <= 0) return;
    this.#scratch.set(block.subarray(start, end), this.#used);
    this.#used += length;
  }

  #hasRoom(length: number): boolean {
    if (this.#used + length <= this.#scratch.length) return true;
    if (this.#begin === 0) return false;
    this.#renew();
    return true;
  }

  #closeShared(): void {
    const block = this.#sharedBlock;
    if (block === null) return;
    this.#sharedBlock = null;
    if (this.#patchCount === 0) this.#append(block, this.#sharedStart, this.#sharedEnd);
    else this.#appendPatched(block, this.#sharedStart, this.#sharedEnd);
  }

  #openShared(block: Uint8Array, start: number, end: number): void {
    this.#closeShared();
    this.#sharedBlock = block;
    this.#sharedStart = start;
    this.#sharedEnd = end;
  }

  #appendPatched(block: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#hasRoom(length)) {
      const at = this.#used;
      this.#scratch.set(block.subarray(start, end), at);
      this.#used += length;
      this.#patch(this.#scratch, at);
      return;
    }
    this.#closeSegment();
    const piece = new Uint8Array(block.subarray(start, end));
    this.#patch(piece, 0);
    this.#segments.push(piece);
  }

  #patch(bytes: Uint8Array, base: number): void {
    const patches = this.#patches;
    for (let i = 0; i < this.#patchCount * PATCH_FIELDS; i += PATCH_FIELDS) {
      const change = patches[i + 2] ?? 0;
      const at = base + (patches[i + 1] ?? 0);
      bytes[base + (patches[i] ?? 0)] = change >>> 16;
      bytes[at] = (change >>> 8) & 0xff;
      bytes[at + 1] = change & 0xff;
    }
    this.#patchCount = 0;
  }

  #growPatches(): void {
    const grown = new Uint32Array(this.#patches.length * 2);
    grown.set(this.#patches);
    this.#patches = grown;
  }

  #closeSegment(): void {
    if (this.#used === this.#segmentStart) return;
    this.#segments.push(this.#scratch.subarray(this.#segmentStart, this.#used));
    this.#segmentStart = this.#used;
  }
}
