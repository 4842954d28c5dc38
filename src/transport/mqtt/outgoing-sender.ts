import type { Message, QoS } from "../../bus/message.ts";
import type { TopicFilter } from "../../bus/topic.ts";
import type { WriteBatch } from "../write-batch.ts";
import { type Outgoing, type OutgoingLimits, OutgoingQueue } from "./outgoing-queue.ts";
import { addPublish, encodePubrel } from "./publish-encoding.ts";

/** The session, as its sender asks and tells it. */
export interface OutgoingGate {
  /** Access and expiry, asked when the message is about to leave. */
  mayDeliver(message: Message): boolean;
  /** The message is in the batch; `isFirst` when it is neither a redelivery nor a retained one. */
  sent(message: Message, qos: QoS, isFirst: boolean): void;
}

/** Retained messages of QoS 1 and 2 that a new subscription has yet to be sent. */
interface RetainedRun {
  readonly filter: TopicFilter;
  readonly messages: readonly Message[];
  readonly qos: 1 | 2;
  next: number;
}

/**
 * Sends what a client must acknowledge: first what was in flight when its last connection ended, then
 * retained messages, then its queue, as far as the window is open.
 */
export class OutgoingSender {
  readonly #queue: OutgoingQueue;
  #resend: Outgoing[] = [];
  #retained: RetainedRun[] = [];

  constructor(limits: OutgoingLimits) {
    this.#queue = new OutgoingQueue(limits);
  }

  /** Something waits for a place in the window. */
  get hasWaiting(): boolean {
    return this.#queue.waiting > 0 || this.#retained.length > 0;
  }

  /** A call of {@link send} would send something. */
  get canSend(): boolean {
    return this.hasWaiting && this.#queue.hasWindow;
  }

  /** The client has not acknowledged everything. */
  get isOwed(): boolean {
    return this.#queue.length > 0 || this.#retained.length > 0;
  }

  /** Queued messages that would be lost with the session. */
  get undelivered(): number {
    return this.#queue.undelivered;
  }

  /** The oldest offset that waits; `Infinity` when none does. */
  get nextOffset(): number {
    return this.#queue.nextOffset;
  }

  /**
   * Queues a message; called once for each filter that matches, and keeps the highest QoS. A full
   * queue either refuses, when it `isClean`, or drops its oldest. Returns how many were dropped.
   */
  offer(message: Message, granted: 1 | 2, isClean: boolean): number {
    const queue = this.#queue;
    const qos = message.qos === 2 && granted === 2 ? 2 : 1;
    if (queue.raise(message.offset, qos)) return 0;
    let dropped = 0;
    while (!queue.hasRoomFor(message.payload.length)) {
      if (isClean) return queue.waiting + 1;
      dropped += 1;
      // With everything in flight there is nothing older to give way.
      if (!queue.dropOldest()) return dropped;
    }
    queue.push(message, qos, null);
    return dropped;
  }

  /** Queues a message that a group gave to this session; the group sees to it that there is room. */
  offerShared(message: Message, granted: QoS, onDone: () => void): void {
    const qos = message.qos < granted ? message.qos : granted;
    this.#queue.push(message, qos, onDone);
  }

  /** Whether a group may give the session another message: it would leave at once. */
  get hasRoomForShared(): boolean {
    return this.#queue.hasWindow && this.#queue.waiting === 0;
  }

  /** Those of the retained messages that ask for acknowledgement, to be sent before anything queued. */
  offerRetained(filter: TopicFilter, found: readonly Message[], granted: QoS): void {
    const messages = found.filter((message) => message.qos > 0);
    if (messages.length === 0) return;
    this.#retained.push({ filter, messages, qos: granted === 2 ? 2 : 1, next: 0 });
  }

  /** Drops the retained messages of a filter that have not been sent. */
  forgetRetained(filter: TopicFilter): void {
    if (this.#retained.length === 0) return;
    this.#retained = this.#retained.filter((run) => run.filter !== filter);
  }

  /** A new connection: what is in flight is due again. */
  resume(): void {
    this.#resend = this.#queue.inflight();
  }

  /** Sends again what was in flight [MQTT-4.4.0-1], marked as such [MQTT-3.3.1-1]. */
  redeliver(batch: WriteBatch, gate: OutgoingGate): number {
    if (this.#resend.length === 0) return 0;
    let used = 0;
    for (const outgoing of this.#resend) {
      if (outgoing.isReceived) {
        const pubrel = encodePubrel(outgoing.packetId);
        batch.add(pubrel);
        used += pubrel.length;
      } else if (gate.mayDeliver(outgoing.message)) {
        used += add(batch, gate, outgoing, true);
      } else {
        this.#queue.acknowledge(outgoing.packetId, outgoing.qos === 2 ? 2 : 1);
      }
    }
    this.#resend = [];
    return used;
  }

  /** Sends what waits up to an offset, while the window is open and there is room. */
  send(batch: WriteBatch, gate: OutgoingGate, through: number, room: number): number {
    let used = 0;
    while (used < room && this.#queue.hasWindow) {
      const outgoing = this.#nextRetained() ?? this.#nextQueued(through);
      if (outgoing === null) break;
      if (!gate.mayDeliver(outgoing.message)) {
        outgoing.onDone?.();
        continue;
      }
      if (outgoing.qos > 0) this.#queue.putInFlight(outgoing);
      used += add(batch, gate, outgoing, false);
      if (outgoing.qos === 0) outgoing.onDone?.();
    }
    return used;
  }

  /** PUBACK for QoS 1, PUBCOMP for QoS 2; false when nothing in flight answers to it. */
  acknowledge(packetId: number, qos: 1 | 2): boolean {
    return this.#queue.acknowledge(packetId, qos);
  }

  /** PUBREC: from here on a redelivery is a PUBREL. */
  received(packetId: number): void {
    this.#queue.received(packetId);
  }

  clear(): void {
    this.#queue.clear();
    this.#resend = [];
    this.#retained = [];
  }

  #nextQueued(through: number): Outgoing | null {
    return this.#queue.nextOffset <= through ? this.#queue.shift() : null;
  }

  #nextRetained(): Outgoing | null {
    const run = this.#retained[0];
    if (run === undefined) return null;
    const message = run.messages[run.next];
    run.next += 1;
    if (run.next >= run.messages.length) this.#retained.shift();
    if (message === undefined) return null;
    const qos = message.qos === 2 && run.qos === 2 ? 2 : 1;
    return { message, qos, isRetained: true, packetId: 0, isReceived: false, onDone: null };
  }
}

function add(
  batch: WriteBatch,
  gate: OutgoingGate,
  outgoing: Outgoing,
  isDuplicate: boolean,
): number {
  const { message, qos, isRetained, packetId } = outgoing;
  gate.sent(message, qos, !isDuplicate && !isRetained);
  return addPublish(batch, message, { qos, isDuplicate, isRetained, packetId });
}
