import type { Bus } from "../../bus/bus.ts";
import type { Message, MessageDraft } from "../../bus/message.ts";

/** The message that is being fanned out, looked up once for all the queues it goes to. */
export class SharedMessage {
  readonly #bus: Bus;
  #offset = 0;
  #message: Message | null = null;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** The message at the offset if it asks for acknowledgement (QoS 1 or 2), else `null`. Not to be kept. */
  at(offset: number): MessageDraft | null {
    const draft = this.#bus.fanOut.draftAt(offset);
    if (draft !== null) return draft.qos === 0 ? null : draft;
    if (offset === this.#offset) return this.#message;
    const message = this.#bus.messageAt(offset);
    this.#offset = offset;
    this.#message = message === undefined || message.qos === 0 ? null : message;
    return this.#message;
  }
}
