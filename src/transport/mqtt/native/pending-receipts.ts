import type { Receipt } from "../../../bus/ports.ts";
import type { GatewayError } from "../../../errors.ts";

/** Who answers the publisher. */
export interface ReceiptHost {
  /** The message may be acknowledged; `receivedAt` is when its bytes were read. */
  accepted(packetId: number, qos: 1 | 2, receivedAt: number): void;
  /** The message is lost to the store after it was taken. */
  refused(packetId: number, qos: 1 | 2, error: GatewayError): void;
}

/** 16 messages: what a client has on its way that waits for each answer; doubled when it is full. */
const FIRST_CAPACITY = 16;

/**
 * The messages of QoS 1 and 2 of one connection that wait until they are durable. Receipts are told in
 * the order of the messages, so that a ring of packet ids and one receipt serve them all.
 */
export class PendingReceipts implements Receipt {
  readonly #host: ReceiptHost;
  /** Packet id, with the QoS above it. */
  #ids = new Uint32Array(FIRST_CAPACITY);
  #receivedAt = new Float64Array(FIRST_CAPACITY);
  #first = 0;
  #length = 0;

  constructor(host: ReceiptHost) {
    this.#host = host;
  }

  get length(): number {
    return this.#length;
  }

  /** To be called before the message is offered to the bus. */
  push(packetId: number, qos: 1 | 2, receivedAt: number): void {
    if (this.#length === this.#ids.length) this.#grow();
    const slot = (this.#first + this.#length) & (this.#ids.length - 1);
    this.#ids[slot] = packetId | (qos << 16);
    this.#receivedAt[slot] = receivedAt;
    this.#length += 1;
  }

  /** The bus did not take the message pushed last. */
  takeBack(): void {
    this.#length -= 1;
  }

  accepted(): void {
    const receivedAt = this.#receivedAt[this.#first] ?? 0;
    const entry = this.#shift();
    this.#host.accepted(entry & 0xffff, qosOf(entry), receivedAt);
  }

  refused(error: GatewayError): void {
    const entry = this.#shift();
    this.#host.refused(entry & 0xffff, qosOf(entry), error);
  }

  #shift(): number {
    const entry = this.#ids[this.#first] ?? 0;
    this.#first = (this.#first + 1) & (this.#ids.length - 1);
    this.#length -= 1;
    return entry;
  }

  #grow(): void {
    const { length } = this.#ids;
    const ids = new Uint32Array(length * 2);
    const receivedAt = new Float64Array(length * 2);
    for (let i = 0; i < length; i += 1) {
      const slot = (this.#first + i) & (length - 1);
      ids[i] = this.#ids[slot] ?? 0;
      receivedAt[i] = this.#receivedAt[slot] ?? 0;
    }
    this.#ids = ids;
    this.#receivedAt = receivedAt;
    this.#first = 0;
  }
}

function qosOf(entry: number): 1 | 2 {
  return entry >> 16 === 2 ? 2 : 1;
}
