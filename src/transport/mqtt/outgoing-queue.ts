import type { Message, QoS } from "../../bus/message.ts";

/** A delivery that its client must acknowledge, or one of QoS 0 that a group gave to this session. */
export interface Outgoing {
  readonly message: Message;
  /** QoS of this delivery: the lower of the published and the highest granted one. */
  qos: QoS;
  /** Answers a new subscription from the retained store. */
  readonly isRetained: boolean;
  /** 0 until it is sent for the first time. */
  packetId: number;
  /** PUBREC has arrived: what is due next is PUBREL. */
  isReceived: boolean;
  /** Told when the session is done with it; for what is shared with others. */
  readonly onDone: (() => void) | null;
}

/** Bounds of one session's queue. */
export interface OutgoingLimits {
  readonly maxInflight: number;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
}

const MAX_PACKET_ID = 65_535;

/** Below this many empty places at the front, moving the rest up is not worth it. */
const MIN_EMPTY_PLACES = 64;

/**
 * The messages of QoS 1 and 2 one session has not acknowledged: first those in flight, in the order
 * in which they were sent, then those that wait for a place in the window. A message leaves when the
 * client acknowledges it, whether or not it is connected meanwhile.
 */
export class OutgoingQueue {
  readonly #limits: OutgoingLimits;
  readonly #inflight = new Map<number, Outgoing>();
  #waiting: Outgoing[] = [];
  #head = 0;
  #bytes = 0;
  #lastId = 0;

  constructor(limits: OutgoingLimits) {
    this.#limits = limits;
  }

  /** Messages held, in flight or not. */
  get length(): number {
    return this.#inflight.size + this.waiting;
  }

  /** Messages not sent yet. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Messages the client does not have and no other member of a group will get in its place. */
  get undelivered(): number {
    let count = 0;
    for (const { isReceived, onDone } of this.#inflight.values()) {
      if (!isReceived && onDone === null) count += 1;
    }
    for (let i = this.#head; i < this.#waiting.length; i += 1) {
      if (this.#waiting[i]?.onDone === null) count += 1;
    }
    return count;
  }

  get hasWindow(): boolean {
    return this.#inflight.size < this.#limits.maxInflight;
  }

  hasRoomFor(bytes: number): boolean {
    const length = this.length;
    if (length === 0) return true;
    return (
      length < this.#limits.maxQueuedMessages && this.#bytes + bytes <= this.#limits.maxQueuedBytes
    );
  }

  /**
   * Raises the QoS of a message that another filter of the session has queued already. Returns
   * whether there was one; both come from the same fan-out, so it can only be the newest.
   */
  raise(offset: number, qos: 1 | 2): boolean {
    const newest = this.#waiting[this.#waiting.length - 1];
    if (newest?.message.offset !== offset || newest.onDone !== null) return false;
    if (this.waiting === 0) return false;
    if (qos > newest.qos) newest.qos = qos;
    return true;
  }

  push(message: Message, qos: QoS, onDone: (() => void) | null): void {
    this.#waiting.push({ message, qos, isRetained: false, packetId: 0, isReceived: false, onDone });
    this.#bytes += message.payload.length;
  }

  /** Drops the oldest message that has not been sent; false when all have. */
  dropOldest(): boolean {
    const dropped = this.#shift();
    dropped?.onDone?.();
    return dropped !== null;
  }

  /** The oldest waiting offset; `Infinity` when none waits. */
  get nextOffset(): number {
    return this.#waiting[this.#head]?.message.offset ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the oldest waiting message, which is then neither waiting nor in flight. */
  shift(): Outgoing | null {
    return this.#shift();
  }

  /** Gives a message its packet id and a place in the window. */
  putInFlight(outgoing: Outgoing): void {
    outgoing.packetId = this.#nextId();
    this.#inflight.set(outgoing.packetId, outgoing);
    this.#bytes += outgoing.message.payload.length;
  }

  /** PUBACK, or the PUBCOMP that ends QoS 2. False for an id that is not in flight with that QoS. */
  acknowledge(packetId: number, qos: 1 | 2): boolean {
    const outgoing = this.#inflight.get(packetId);
    if (outgoing?.qos !== qos) return false;
    this.#inflight.delete(packetId);
    this.#bytes -= outgoing.message.payload.length;
    outgoing.onDone?.();
    return true;
  }

  /** PUBREC: the client has the message, what remains is the handshake. */
  received(packetId: number): void {
    const outgoing = this.#inflight.get(packetId);
    if (outgoing?.qos === 2) outgoing.isReceived = true;
  }

  /** What is in flight, in the order in which it was first sent [MQTT-4.6.0-1]. */
  inflight(): Outgoing[] {
    return [...this.#inflight.values()];
  }

  clear(): void {
    this.#inflight.clear();
    this.#waiting = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #shift(): Outgoing | null {
    const outgoing = this.#waiting[this.#head];
    if (outgoing === undefined) return null;
    this.#head += 1;
    this.#bytes -= outgoing.message.payload.length;
    this.#compact();
    return outgoing;
  }

  /** Moves the rest up once half of a long queue is gone, so that a place costs O(1) in all. */
  #compact(): void {
    const isEmpty = this.#head === this.#waiting.length;
    const isSparse = this.#head > MIN_EMPTY_PLACES && this.#head * 2 > this.#waiting.length;
    if (!isEmpty && !isSparse) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === MAX_PACKET_ID ? 1 : this.#lastId + 1;
    while (this.#inflight.has(this.#lastId));
    return this.#lastId;
  }
}
