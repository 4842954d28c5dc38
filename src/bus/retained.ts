import { GatewayError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import { copyBytes, isExpired, type Message, type MessageDraft, storedBytes } from "./message.ts";
import type { RetainedStore } from "./ports.ts";
import type { Topic, TopicFilter } from "./topic.ts";

/** Bounds on what stays behind for later subscribers. */
export interface RetainedLimits {
  /** Topics that may hold a retained message. */
  readonly maxRetainedMessages: number;
  /** Bytes of payload and properties of all retained messages. */
  readonly maxRetainedBytes: number;
}

/**
 * The last retained message of each topic, as the bus sees them: within their limits, without those
 * whose expiry has passed. MQTT 3.1.1 §3.3.1.3.
 */
export class RetainedMessages {
  readonly #store: RetainedStore;
  readonly #clock: Clock;
  readonly #limits: RetainedLimits;

  constructor(store: RetainedStore, clock: Clock, limits: RetainedLimits) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
  }

  get count(): number {
    return this.#store.count;
  }

  /** Why this message may not be retained, or `null`; clearing a topic is always possible. */
  refusal(draft: MessageDraft): GatewayError | null {
    if (draft.payload.length === 0) return null;
    const { maxRetainedMessages, maxRetainedBytes } = this.#limits;
    const replaced = this.at(draft.topic);
    if (replaced === undefined && this.#store.count >= maxRetainedMessages) {
      return new GatewayError(
        "limit_exceeded",
        `${maxRetainedMessages} topics hold a retained message already, which is the limit`,
      );
    }
    const freed = replaced === undefined ? 0 : storedBytes(replaced);
    const after = this.#store.bytes + storedBytes(draft) - freed;
    if (after <= maxRetainedBytes) return null;
    return new GatewayError(
      "limit_exceeded",
      `retained messages would hold ${after} bytes; the limit is ${maxRetainedBytes}`,
    );
  }

  /** Keeps the message, or clears its topic when the payload is empty [MQTT-3.3.1-10]. */
  apply(offset: number, draft: MessageDraft, acceptedAt: number): void {
    if (draft.payload.length === 0) {
      this.#store.delete(draft.topic);
      return;
    }
    // The draft's payload may be a view into a read chunk that is about to be reused.
    this.#store.set({ ...draft, payload: copyBytes(draft.payload), offset, acceptedAt });
  }

  at(topic: Topic): Message | undefined {
    const message = this.#store.get(topic);
    if (message === undefined || !this.#forgetIfExpired(message)) return message;
    return undefined;
  }

  /** Retained messages under the filters, once each, oldest first. */
  under(filters: readonly TopicFilter[]): readonly Message[] {
    const found = new Map<Topic, Message>();
    for (const filter of filters) {
      for (const message of this.#store.match(filter)) found.set(message.topic, message);
    }
    const kept = [...found.values()].filter((message) => !this.#forgetIfExpired(message));
    return kept.sort((a, b) => a.offset - b.offset);
  }

  #forgetIfExpired(message: Message): boolean {
    if (message.properties.expiry === undefined) return false;
    if (!isExpired(message, this.#clock.now())) return false;
    this.#store.delete(message.topic);
    return true;
  }
}
