/** Beats without a sign of life after which a peer counts as gone: one ping may be lost, not two. */
const SILENT_BEATS = 2;

/** What is known of a connection at one moment. */
export interface SignsOfLife {
  readonly bytesRead: number;
  /** Bytes written and not taken by the kernel; `0` when the peer reads. */
  readonly bytesStuck: number;
  /** We have stopped reading for reasons of our own: silence says nothing of the peer. */
  readonly isReadingPaused: boolean;
}

/** Whether the peer of one connection is still there, judged at the beats of its session. */
export class PeerLiveness {
  readonly #heartbeatMs: number;
  readonly #answersPings: boolean;
  #bytesRead = 0;
  #bytesStuck = 0;
  #heardAt: number;
  #drainedAt: number;

  /**
   * @param answersPings whether silence alone says that the peer is gone; otherwise it takes output
   * that nobody reads besides.
   */
  constructor(heartbeatMs: number, answersPings: boolean, now: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#answersPings = answersPings;
    this.#heardAt = now;
    this.#drainedAt = now;
  }

  observe(now: number, signs: SignsOfLife): void {
    if (signs.bytesRead !== this.#bytesRead || signs.isReadingPaused) this.#heardAt = now;
    this.#bytesRead = signs.bytesRead;
    if (signs.bytesStuck === 0 || signs.bytesStuck !== this.#bytesStuck) this.#drainedAt = now;
    this.#bytesStuck = signs.bytesStuck;
  }

  isGone(now: number): boolean {
    const longAgo = now - SILENT_BEATS * this.#heartbeatMs;
    if (this.#heardAt > longAgo) return false;
    return this.#answersPings || this.#drainedAt <= longAgo;
  }
}
