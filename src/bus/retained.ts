import { GatewayError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import {
  copyBytes,
  expiresAt,
  isExpired,
  type Message,
  type MessageDraft,
  storedBytes,
} from "./message.ts";
import type { RetainedStore } from "./ports.ts";
import { PROTOCOL_TOPIC_LIMITS, parseFilter, type Topic, type TopicFilter } from "./topic.ts";

/** Bounds on what stays behind for later subscribers. */
export interface RetainedLimits {
  /** Topics that may hold a retained message. */
  readonly maxRetainedMessages: number;
  /** Bytes of payload and properties of all retained messages. */
  readonly maxRetainedBytes: number;
}

/** What messages that are about to be accepted together will change, the earlier for the later. */
export class RetainedAhead {
  readonly #held = new Map<Topic, number | null>();
  /** Topics more than now. */
  messages = 0;
  /** Bytes more than now. */
  bytes = 0;

  /** Bytes of a topic that was noted; `null` when it was cleared, `undefined` when it was not noted. */
  heldBytes(topic: Topic): number | null | undefined {
    return this.#held.get(topic);
  }

  /** The topic's retained message changes from these bytes to those; `null` is none. */
  note(topic: Topic, before: number | null, after: number | null): void {
    this.#held.set(topic, after);
    this.messages += (after === null ? 0 : 1) - (before === null ? 0 : 1);
    this.bytes += (after ?? 0) - (before ?? 0);
  }
}

/** Every topic a client may publish to. */
const EVERYTHING = parseFilter("#", PROTOCOL_TOPIC_LIMITS);

/**
 * The last retained message of each topic, as the bus sees them: within their limits, without those
 * whose expiry has passed. MQTT 3.1.1 §3.3.1.3.
 */
export class RetainedMessages {
  readonly #store: RetainedStore;
  readonly #clock: Clock;
  readonly #limits: RetainedLimits;
  /** Nothing expires before this (milliseconds since the epoch); 0 as long as nobody has looked. */
  #expiresFrom = 0;

  constructor(store: RetainedStore, clock: Clock, limits: RetainedLimits) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
  }

  get count(): number {
    return this.#store.count;
  }

  /**
   * Why this message may not be retained, or `null`; clearing a topic is always possible. What has
   * expired makes room first.
   * @param ahead what is accepted before it; the message is noted there unless it is refused.
   */
  refusal(draft: MessageDraft, ahead: RetainedAhead | null = null): GatewayError | null {
    const { topic, payload } = draft;
    if (payload.length === 0) {
      ahead?.note(topic, this.#heldBytes(topic, ahead), null);
      return null;
    }
    const refusal = this.#refusalNow(draft, ahead);
    if (refusal === null) {
      ahead?.note(topic, this.#heldBytes(topic, ahead), storedBytes(draft));
      return null;
    }
    return this.#forgetExpired() ? this.refusal(draft, ahead) : refusal;
  }

  /** Keeps the message, or clears its topic when the payload is empty [MQTT-3.3.1-10]. */
  apply(offset: number, draft: MessageDraft, acceptedAt: number): void {
    if (draft.payload.length === 0) {
      this.#store.delete(draft.topic);
      return;
    }
    // The draft's payload may be a view into a read chunk that is about to be reused.
    const message = { ...draft, payload: copyBytes(draft.payload), offset, acceptedAt };
    this.#store.set(message);
    this.#expiresFrom = Math.min(this.#expiresFrom, expiresAt(message));
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

  #refusalNow(draft: MessageDraft, ahead: RetainedAhead | null): GatewayError | null {
    const { maxRetainedMessages, maxRetainedBytes } = this.#limits;
    const held = this.#heldBytes(draft.topic, ahead);
    if (held === null && this.#store.count + (ahead?.messages ?? 0) >= maxRetainedMessages) {
      return new GatewayError(
        "limit_exceeded",
        `${maxRetainedMessages} topics hold a retained message already, which is the limit`,
      );
    }
    const after = this.#store.bytes + (ahead?.bytes ?? 0) + storedBytes(draft) - (held ?? 0);
    if (after <= maxRetainedBytes) return null;
    return new GatewayError(
      "limit_exceeded",
      `retained messages would hold ${after} bytes; the limit is ${maxRetainedBytes}`,
    );
  }

  /** Bytes of the topic's retained message as it will be by then; `null` for none. */
  #heldBytes(topic: Topic, ahead: RetainedAhead | null): number | null {
    const noted = ahead?.heldBytes(topic);
    if (noted !== undefined) return noted;
    const message = this.at(topic);
    return message === undefined ? null : storedBytes(message);
  }

  /** Looks through all only when something may have expired since the last look; whether it had. */
  #forgetExpired(): boolean {
    if (this.#clock.now() < this.#expiresFrom) return false;
    const before = this.#store.count;
    this.#expiresFrom = Number.POSITIVE_INFINITY;
    for (const message of this.#store.match(EVERYTHING)) {
      if (this.#forgetIfExpired(message)) continue;
      this.#expiresFrom = Math.min(this.#expiresFrom, expiresAt(message));
    }
    return this.#store.count < before;
  }

  #forgetIfExpired(message: Message): boolean {
    if (message.properties.expiry === undefined) return false;
    if (!isExpired(message, this.#clock.now())) return false;
    this.#store.delete(message.topic);
    return true;
  }
}
