import type { DriverContext, OpenPublisher, Publisher } from "../driver/driver.ts";
import { ReturnDelay } from "./return-delay.ts";

interface Pending {
  readonly sequence: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  isRepeated: boolean;
}

/** What is unanswered at most; a publisher that is past it waits, as a device with little memory does. */
const MAX_PENDING = 10_000;

/** What an {@link EnduringPublisher} is given. */
export interface EnduringPublisherParts {
  readonly open: OpenPublisher;
  readonly context: Omit<DriverContext, "onFailure">;
}

/**
 * A publisher that stays: what is not acknowledged is sent again, in order, after every loss of its
 * connection. So what it was told is at least once.
 */
export class EnduringPublisher {
  readonly #parts: EnduringPublisherParts;
  readonly #pending: Pending[] = [];
  readonly #delay = new ReturnDelay();
  /** The numbers of what was acknowledged. */
  readonly acknowledged = new Set<number>();
  #publisher: Publisher | null = null;
  /** Which connection this is: what an earlier one still says is of no interest. */
  #generation = 0;
  #repeated = 0;
  #lastAcknowledged = -1;
  #isClosed = false;
  #onIdle: () => void = () => undefined;

  constructor(parts: EnduringPublisherParts) {
    this.#parts = parts;
  }

  get repeated(): number {
    return this.#repeated;
  }

  /** The highest number that was acknowledged; −1 before the first. */
  get lastAcknowledged(): number {
    return this.#lastAcknowledged;
  }

  get unacknowledged(): number {
    return this.#pending.length;
  }

  /** The first connection; rejects when there is none. */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Sends now, or when there is a connection again; `false` when too much is unanswered. */
  send(sequence: number, topic: string, payload: Uint8Array): boolean {
    if (this.#pending.length >= MAX_PENDING) return false;
    const pending = { sequence, topic, payload, isRepeated: false };
    this.#pending.push(pending);
    if (this.#publisher !== null) this.#transmit(this.#publisher, pending, this.#generation);
    return true;
  }

  /** Resolves when everything is acknowledged. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#pending.length === 0) resolve();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#delay.end();
    const publisher = this.#publisher;
    this.#publisher = null;
    await publisher?.close();
  }

  async #connect(): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    let isOpen = false;
    const onFailure = (): void => {
      // Before it is open the rejection says so, too.
      if (isOpen) this.#lose(generation);
    };
    const publisher = await this.#parts.open({ ...this.#parts.context, onFailure });
    if (this.#isClosed || generation !== this.#generation) {
      await publisher.close();
      return;
    }
    isOpen = true;
    this.#publisher = publisher;
    for (const pending of this.#pending) {
      this.#repeated += pending.isRepeated ? 1 : 0;
      this.#transmit(publisher, pending, generation);
    }
  }

  #transmit(publisher: Publisher, pending: Pending, generation: number): void {
    pending.isRepeated = true;
    const { topic, payload } = pending;
    publisher.publish({ topic, payload }).then(
      () => this.#acknowledge(pending),
      () => this.#lose(generation),
    );
  }

  #acknowledge(pending: Pending): void {
    const index = this.#pending.indexOf(pending);
    if (index < 0) return;
    this.#pending.splice(index, 1);
    this.#delay.reset();
    this.acknowledged.add(pending.sequence);
    this.#lastAcknowledged = Math.max(this.#lastAcknowledged, pending.sequence);
    if (this.#pending.length === 0) this.#onIdle();
  }

  #lose(generation: number): void {
    if (generation !== this.#generation || this.#isClosed) return;
    this.#generation += 1;
    const publisher = this.#publisher;
    this.#publisher = null;
    // It is broken already; how it ends is of no interest.
    void publisher?.close().catch(() => undefined);
    void this.#return();
  }

  async #return(): Promise<void> {
    while (await this.#delay.pass()) {
      try {
        await this.#connect();
        return;
      } catch {
        // The gateway is still away: that is what is measured.
      }
    }
  }
}
