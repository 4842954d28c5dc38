import type { Bus } from "../../bus/bus.ts";
import type { Message } from "../../bus/message.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { encodeSseMessage, encodeSseRetained } from "../../wire/sse.ts";
import { EncodedTail } from "../encoded-tail.ts";
import { LiveMessages, type MessageSource } from "../live-messages.ts";
import { withTrace } from "../traced-message.ts";
import type { TransportObserver } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";

/** Live and recovered messages as event blocks, each built once for all streams. */
export class EventTail {
  readonly #tail: EncodedTail;
  readonly #writer = new ByteWriter();
  readonly #messages = new LiveMessages();

  readonly #observer: TransportObserver;

  constructor(bus: Bus, observer: TransportObserver) {
    this.#observer = observer;
    this.#tail = new EncodedTail((message) => {
      this.#messages.remember(message);
      this.#writer.reset();
      encodeSseMessage(withTrace(message, observer), this.#writer, bus.epoch);
      return this.#writer.view();
    });
  }

  /**
   * Adds the block of the live message at `offset`, to be reported with {@link report}; returns its bytes, 0 when there is
   * no such message.
   */
  addLive(batch: WriteBatch, offset: number, source: MessageSource): number {
    const bytes = this.#tail.addTo(batch, offset, source);
    if (bytes > 0) this.#messages.note(offset, source, this.#observer, "sse");
    return bytes;
  }

  /** Reports what was added live; at the end of each stream's part. */
  report(): void {
    this.#messages.report(this.#observer, "sse");
  }

  /** The same for a message from the log. */
  addRecovered(batch: WriteBatch, message: Message): number {
    this.#observer.deliveredLate(message.origin.transport, "sse", message.qos);
    return this.#tail.addTo(batch, message.offset, { messageAt: () => message });
  }

  /** The block of a retained message: it has no id, for it moves no position. */
  retainedBlock(message: Message): Uint8Array {
    this.#writer.reset();
    encodeSseRetained(withTrace(message, this.#observer), this.#writer);
    return this.#writer.copy();
  }
}
