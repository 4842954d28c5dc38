import type { GatewayUrls } from "../contract/client.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { PublisherRecord } from "./history.ts";
import type { Site } from "./site.ts";

/** A message on its way: the same object for every attempt. */
export interface Offer {
  readonly number: number;
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

/** What a channel hears from the gateway. */
export interface ChannelEvents {
  readonly onAcknowledged: (number: number, offset: number | null) => void;
  readonly onRefused: (number: number, code: string) => void;
  readonly onClosed: () => void;
}

/** One way to publish, as a program would use it that must not lose anything. */
export interface PublishChannel {
  readonly name: string;
  readonly qos: 1 | 2;
  readonly promise: "once" | "at-least-once";
  /** What becomes of a message without an answer when the connection is lost. */
  readonly onLost: "retry" | "abandon";
  /** Messages that may wait for their acknowledgement. */
  readonly window: number;
  /** All of a window go out together, and the next ones once all are answered. */
  readonly isBatch: boolean;
  /** Rejects when the gateway cannot be reached. */
  open(urls: GatewayUrls, events: ChannelEvents): Promise<void>;
  send(offers: readonly Offer[], isRetry: boolean): void;
  close(): void;
}

/** Publishes as fast as it is acknowledged, keeps what is not, and goes on after every crash. */
export class Publisher {
  readonly record: PublisherRecord;
  readonly refusals: string[] = [];
  readonly #channel: PublishChannel;
  readonly #random: SeededRandom;
  readonly #prefix: string;
  readonly #onProgress: () => void;
  readonly #unanswered = new Map<number, Offer>();
  #nextNumber = 1;
  #isOpen = false;
  #isFinishing = false;
  #settle: (() => void) | null = null;

  /** @param onProgress called at every acknowledgement. */
  constructor(
    channel: PublishChannel,
    prefix: string,
    random: SeededRandom,
    onProgress: () => void,
  ) {
    const { name, qos, promise } = channel;
    this.record = { name, qos, promise, attempts: [], acknowledgements: [] };
    this.#channel = channel;
    this.#prefix = prefix;
    this.#random = random;
    this.#onProgress = onProgress;
  }

  /** The topic whose messages are all retained. */
  get retainedTopic(): string {
    return `${this.#prefix}/${this.record.name}/retained`;
  }

  /** Publishes until the site closes. */
  async run(site: Site): Promise<void> {
    let after = 0;
    for (;;) {
      const place = await site.next(after);
      if (place === null) break;
      if (!(await this.#connection(place.urls))) after = place.generation;
    }
    this.close();
  }

  close(): void {
    this.#channel.close();
  }

  /** Offers nothing new; resolves once everything that is retried has been answered. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    if (this.#unanswered.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
  }

  /** One connection to its end; false when there was none. */
  async #connection(urls: GatewayUrls): Promise<boolean> {
    let isClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve;
    });
    try {
      await this.#channel.open(urls, {
        onAcknowledged: (number, offset) => this.#acknowledged(number, offset),
        onRefused: (number, code) => this.#refused(number, code),
        onClosed: isClosed,
      });
    } catch {
      // Killed meanwhile: the next lifetime is waited for.
      return false;
    }
    this.#isOpen = true;
    this.#retry();
    this.#pump();
    await closed;
    this.#isOpen = false;
    return true;
  }

  #retry(): void {
    if (this.#channel.onLost === "abandon") this.#unanswered.clear();
    const offers = [...this.#unanswered.values()];
    if (offers.length > 0) this.#send(offers, true);
    this.#checkSettled();
  }

  #pump(): void {
    if (!this.#isOpen || this.#isFinishing) return;
    const { window, isBatch } = this.#channel;
    const room = window - this.#unanswered.size;
    if (room <= 0 || (isBatch && room < window)) return;
    const offers = Array.from({ length: room }, () => this.#offer());
    for (const offer of offers) this.#unanswered.set(offer.number, offer);
    this.#send(offers, false);
  }

  #send(offers: readonly Offer[], isRetry: boolean): void {
    for (const { topic, payload } of offers) this.record.attempts.push({ topic, payload });
    this.#channel.send(offers, isRetry);
  }

  #offer(): Offer {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const { name } = this.record;
    const retain = this.#random.below(4) === 0;
    // Most messages are small; some need pages of their own in a store of 4 KiB pages.
    const padding = this.#random.below(16) === 0 ? this.#random.below(9_000) : 8;
    const payload = `${name}#${number}#${"x".repeat(padding)}`;
    const topic = retain ? this.retainedTopic : `${this.#prefix}/${name}/${this.#random.below(3)}`;
    return { number, topic, payload, retain };
  }

  #acknowledged(number: number, offset: number | null): void {
    const offer = this.#unanswered.get(number);
    if (offer === undefined) return;
    this.record.acknowledgements.push({ payload: offer.payload, offset });
    this.#answered(number);
    this.#onProgress();
  }

  #refused(number: number, code: string): void {
    this.refusals.push(code);
    this.#answered(number);
  }

  #answered(number: number): void {
    this.#unanswered.delete(number);
    this.#checkSettled();
    this.#pump();
  }

  #checkSettled(): void {
    if (this.#isFinishing && this.#unanswered.size === 0) this.#settle?.();
  }
}
