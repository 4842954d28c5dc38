import { type EntryRing, FLAG } from "./outgoing-ring.ts";

/** Where a queue keeps the bodies that the log drops before they are acknowledged. */
export interface BodyKeeper {
  /** The eviction of what lies below has been announced already. */
  readonly announcedBelow: number;
  keepAt(offset: number): boolean;
  release(offset: number): void;
  sizeAt(offset: number): number;
  addHolder(holder: { evicting(firstOffset: number): void }): () => void;
}

/**
 * Sees to it that what a queue holds can be read as long as it does, and that each body is kept once:
 * when the log announces that it drops it, or at once where that announcement has passed. In a queue
 * offsets rise, so that an announcement costs only what it newly concerns; what comes out of order,
 * from a group or the retained store, is kept at once.
 */
export class OutgoingBodies {
  readonly #ring: EntryRing;
  readonly #keeper: BodyKeeper;
  #bytes = 0;
  /** The highest offset that came in order. */
  #newest = 0;
  /** Below this sequence, everything that has been announced is kept. */
  #keptBelow = 0;
  #endHolding: (() => void) | null = null;

  constructor(ring: EntryRing, keeper: BodyKeeper) {
    this.#ring = ring;
    this.#keeper = keeper;
  }

  /** Payload bytes of the entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A new entry needs the body at its offset. */
  add(sequence: number, bytes: number): void {
    this.#ring.setBytes(sequence, bytes);
    this.#bytes += bytes;
    this.#endHolding ??= this.#keeper.addHolder(this);
    const offset = this.#ring.offsetAt(sequence);
    if (offset >= this.#newest && offset >= this.#keeper.announcedBelow) this.#newest = offset;
    else if (this.#keeper.keepAt(offset)) this.#ring.set(sequence, FLAG.kept);
  }

  /** As {@link add} for an entry of an earlier process; `false` when there is no such body. */
  restore(sequence: number): boolean {
    const offset = this.#ring.offsetAt(sequence);
    const bytes = this.#keeper.sizeAt(offset);
    this.add(sequence, bytes);
    const isReadable = this.#ring.has(sequence, FLAG.kept) || offset >= this.#keeper.announcedBelow;
    if (!isReadable) this.release(sequence);
    return isReadable;
  }

  /** The entry needs its body no longer. */
  release(sequence: number): void {
    const ring = this.#ring;
    if (ring.has(sequence, FLAG.kept)) {
      this.#keeper.release(ring.offsetAt(sequence));
      ring.clear(sequence, FLAG.kept);
    }
    this.#bytes -= ring.bytesAt(sequence);
    ring.setBytes(sequence, 0);
  }

  /** Called when the log is about to drop everything below an offset. */
  evicting(firstOffset: number): void {
    const ring = this.#ring;
    if (ring.first > ring.last) {
      this.end();
      return;
    }
    let sequence = Math.max(this.#keptBelow, ring.first);
    for (; sequence <= ring.last; sequence += 1) {
      if (!ring.needsBody(sequence)) continue;
      const offset = ring.offsetAt(sequence);
      if (offset >= firstOffset) break;
      if (this.#keeper.keepAt(offset)) ring.set(sequence, FLAG.kept);
    }
    this.#keptBelow = sequence;
  }

  /** Asks to be told of no more announcements until something is added. */
  end(): void {
    this.#endHolding?.();
    this.#endHolding = null;
  }
}
