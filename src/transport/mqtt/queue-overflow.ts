import type { OutgoingQueue } from "./outgoing-queue.ts";
import type { SessionFacts, SessionParts } from "./session-parts.ts";

/** What becomes of one session whose queue is full. Runs within the fan-out. */
export class QueueOverflow {
  readonly #session: SessionFacts;
  readonly #queue: OutgoingQueue;
  readonly #parts: SessionParts;
  #hasEnded = false;
  /** It drops, and has said so; until the queue has been empty. */
  #isTold = false;

  constructor(session: SessionFacts, queue: OutgoingQueue, parts: SessionParts) {
    this.#session = session;
    this.#queue = queue;
    this.#parts = parts;
  }

  /** The session is over: it is to be discarded at the end of this turn. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Makes room for a message by policy; `false` when it is not to be queued. */
  makesRoomFor(bytes: number): boolean {
    const queue = this.#queue;
    if (queue.length === 0) this.#isTold = false;
    while (queue.isStretched || !queue.hasRoomFor(bytes)) {
      if (this.#session.isClean || this.#parts.limits.queueOverflow === "disconnect") {
        this.#end();
        return false;
      }
      this.#tell("drop-oldest");
      const before = queue.length;
      this.#count("drop_oldest", queue.dropOldest());
      if (queue.length < before) continue;
      // With everything in flight there is nothing older to give way.
      this.#count("drop_oldest", 1);
      return false;
    }
    return true;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#tell("disconnect");
    this.#count("slow_subscriber", this.#queue.undelivered + 1);
    this.#session.link?.endSoon("slow_subscriber");
    this.#parts.overflowed(this.#session);
  }

  #count(reason: "drop_oldest" | "slow_subscriber", count: number): void {
    if (count > 0) this.#parts.bus.noteDropped(this.#session.transport, reason, count);
  }

  #tell(policy: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const { clientId, transport } = this.#session;
    this.#parts.logger.warn("mqtt queue is full", { transport, clientId, policy });
  }
}
