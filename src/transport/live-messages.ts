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
 * a delivery makes no object. Messages one after the other that share their origin, QoS and times
 * are one run, and what a reader is sent of a run is reported at once.
 */
export class LiveMessages {
  readonly #offsets = new Float64Array(REMEMBERED);
  /** The run each message belongs to. */
  readonly #runs: LiveRun[] = new Array<LiveRun>(REMEMBERED).fill(NO_RUN);
  #newest = NO_RUN;
  /** What was noted and not reported. */
  #noted = NO_RUN;
  #count = 0;

  /** To be called when the message is encoded. */
  remember(message: Message): void {
    const { offset, origin, qos, receivedAt, acceptedAt } = message;
    const newest = this.#newest;
    if (
      newest.acceptedAt !== acceptedAt ||
      newest.receivedAt !== receivedAt ||
      newest.qos !== qos ||
      newest.ingress !== origin.transport
    ) {
      this.#newest = { ingress: origin.transport, qos, receivedAt, acceptedAt };
    }
    const slot = offset % REMEMBERED;
    this.#offsets[slot] = offset;
    this.#runs[slot] = this.#newest;
  }

  /** Notes that the live message at `offset` is in the write. */
  note(offset: number, source: MessageSource, observer: TransportObserver, egress: TransportName) {
    const slot = offset % REMEMBERED;
    if (this.#offsets[slot] !== offset) {
      const message = source.messageAt(offset);
      if (message === undefined) return;
      this.remember(message);
    }
    const run = this.#runs[slot] ?? NO_RUN;
    if (run !== this.#noted) {
      this.report(observer, egress);
      this.#noted = run;
    }
    this.#count += 1;
  }

  /** Reports what was noted; at the end of each reader's part. */
  report(observer: TransportObserver, egress: TransportName): void {
    if (this.#count === 0) return;
    const { ingress, qos, receivedAt, acceptedAt } = this.#noted;
    observer.delivered(ingress, egress, qos, receivedAt, acceptedAt, this.#count);
    this.#count = 0;
  }
}

interface LiveRun {
  readonly ingress: TransportName;
  readonly qos: QoS;
  readonly receivedAt: number;
  readonly acceptedAt: number;
}

const NO_RUN: LiveRun = { ingress: "http", qos: 0, receivedAt: 0, acceptedAt: 0 };
