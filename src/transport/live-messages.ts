import type { Message, QoS, TransportName } from "../bus/message.ts";
import type { TransportObserver } from "./transport.ts";

/** As many as the encoded tail keeps: what is not found here is asked of the log. */
const REMEMBERED = 16_384;

/** Where a message is found that is no longer remembered. */
export interface MessageSource {
  messageAt(offset: number): Message | undefined;
}

/**
 * What the metrics want to know of a message, remembered beside its encoded bytes, so that reporting
 * a delivery makes no object.
 */
export class LiveMessages {
  readonly #offsets = new Float64Array(REMEMBERED);
  readonly #ingresses: TransportName[] = new Array<TransportName>(REMEMBERED).fill("http");
  readonly #qos = new Uint8Array(REMEMBERED);
  readonly #receivedAt = new Float64Array(REMEMBERED);
  readonly #acceptedAt = new Float64Array(REMEMBERED);

  /** To be called when the message is encoded. */
  remember(message: Message): void {
    const slot = message.offset % REMEMBERED;
    this.#offsets[slot] = message.offset;
    this.#ingresses[slot] = message.origin.transport;
    this.#qos[slot] = message.qos;
    this.#receivedAt[slot] = message.receivedAt;
    this.#acceptedAt[slot] = message.acceptedAt;
  }

  /** Reports that the live message at `offset` is in the write. */
  report(
    offset: number,
    source: MessageSource,
    observer: TransportObserver,
    egress: TransportName,
  ): void {
    const slot = offset % REMEMBERED;
    if (this.#offsets[slot] !== offset) {
      const message = source.messageAt(offset);
      if (message === undefined) return;
      this.remember(message);
    }
    observer.delivered(
      this.#ingresses[slot] ?? "http",
      egress,
      toQoS(this.#qos[slot]),
      this.#receivedAt[slot] ?? 0,
      this.#acceptedAt[slot] ?? 0,
    );
  }
}

function toQoS(byte: number | undefined): QoS {
  return byte === 2 ? 2 : byte === 1 ? 1 : 0;
}
