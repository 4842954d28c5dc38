/** Why the commands of a session wait. */
export type WaitReason = "authentication" | "answers" | "receipts" | "store" | "turn";

const BITS: Readonly<Record<WaitReason, number>> = {
  authentication: 1,
  answers: 2,
  receipts: 4,
  store: 8,
  turn: 16,
};

/** What the gate holds back. */
export interface GatedReading {
  pauseReading(): void;
  /** Nothing holds the commands any more: those that waited go first, then reading resumes. */
  readingAllowed(): void;
}

/**
 * Holds a session's commands back while one reason or several ask for it. The connection is no
 * longer read from, so that the peer's own sending comes to rest.
 */
export class CommandGate {
  readonly #reading: GatedReading;
  #reasons = 0;

  constructor(reading: GatedReading) {
    this.#reading = reading;
  }

  get isOpen(): boolean {
    return this.#reasons === 0;
  }

  /** Whether the peer itself is the cause: it does not read the answers to its own commands. */
  get isHeldByPeer(): boolean {
    return (this.#reasons & BITS.answers) !== 0;
  }

  isHeldBy(reason: WaitReason): boolean {
    return (this.#reasons & BITS[reason]) !== 0;
  }

  hold(reason: WaitReason): void {
    const wasOpen = this.#reasons === 0;
    this.#reasons |= BITS[reason];
    if (wasOpen) this.#reading.pauseReading();
  }

  release(reason: WaitReason): void {
    if (!this.isHeldBy(reason)) return;
    this.#reasons &= ~BITS[reason];
    if (this.#reasons === 0) this.#reading.readingAllowed();
  }
}
