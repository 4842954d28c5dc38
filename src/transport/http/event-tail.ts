import type { Bus } from "../../bus/bus.ts";
import type { Message, QoS, TransportName } from "../../bus/message.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { encodeSseMessage, encodeSseRetained } from "../../wire/sse.ts";
import { EncodedTail } from "../encoded-tail.ts";
import type { TransportObserver } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";

/** As many as {@link EncodedTail} keeps: what is not found here is asked of the log. */
const REMEMBERED = 4_096;

/** Live and recovered messages as event blocks, each built once for all streams. */
export class EventTail {
  readonly #tail: EncodedTail;
  readonly #writer = new ByteWriter();
  readonly #offsets = new Float64Array(REMEMBERED);
  readonly #ingresses: TransportName[] = new Array<TransportName>(REMEMBERED).fill("http");
  readonly #qos = new Uint8Array(REMEMBERED);

  constructor(bus: Bus) {
    this.#tail = new EncodedTail((message) => {
      this.#remember(message);
      this.#writer.reset();
      encodeSseMessage(message, this.#writer, bus.epoch);
      return this.#writer.view();
    });
  }

  /** Adds the block of the message at `offset`; returns its bytes, 0 when there is no such message. */
  addTo(
    batch: WriteBatch,
    offset: number,
    source: { messageAt(offset: number): Message | undefined },
    observer: TransportObserver,
  ): number {
    const bytes = this.#tail.addTo(batch, offset, source);
    if (bytes > 0) this.#count(offset, source, observer);
    return bytes;
  }

  /** The block of a retained message: it has no id, for it moves no position. */
  retainedBlock(message: Message): Uint8Array {
    this.#writer.reset();
    encodeSseRetained(message, this.#writer);
    return this.#writer.copy();
  }

  /** Where a message came from is noted when it is encoded, so that counting makes no object. */
  #remember(message: Message): void {
    const slot = message.offset & (REMEMBERED - 1);
    this.#offsets[slot] = message.offset;
    this.#ingresses[slot] = message.origin.transport;
    this.#qos[slot] = message.qos;
  }

  #count(
    offset: number,
    source: { messageAt(offset: number): Message | undefined },
    observer: TransportObserver,
  ): void {
    const slot = offset & (REMEMBERED - 1);
    if (this.#offsets[slot] !== offset) {
      const message = source.messageAt(offset);
      if (message !== undefined) this.#remember(message);
    }
    const qos = this.#qos[slot];
    observer.delivered(this.#ingresses[slot] ?? "http", "sse", qosOf(qos));
  }
}

function qosOf(value: number | undefined): QoS {
  return value === 1 || value === 2 ? value : 0;
}
