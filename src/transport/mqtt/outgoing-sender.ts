import type { Message, QoS } from "../../bus/message.ts";
import type { WriteBatch } from "../write-batch.ts";
import { type OutgoingQueue, packetIdOf } from "./outgoing-queue.ts";
import { FLAG, STATE } from "./outgoing-ring.ts";
import type { PublishForm } from "./publish-encoding.ts";
import type { RetainedAnswers, RetainedSource } from "./retained-answers.ts";

/** One delivery, as it is encoded. Valid during the call alone. */
export interface DeliveryForm extends PublishForm {
  /** Identifiers of the subscriptions that match (MQTT 5 §3.8.2.1.2). */
  readonly subscriptionIds: readonly number[];
}

/** Packets in the version of the protocol that the client speaks. */
export interface DeliveryEncoder {
  /** Adds a PUBLISH and returns its bytes; 0, and nothing added, when the client takes none so large. */
  addPublish(batch: WriteBatch, message: Message, form: DeliveryForm): number;
  /** Adds a PUBREL and returns its bytes. */
  addPubrel(batch: WriteBatch, packetId: number): number;
}

/** The session, as its sender asks and tells it. */
export interface OutgoingGate extends RetainedSource {
  readonly encoder: DeliveryEncoder;
  messageAt(offset: number): Message | undefined;
  /** Adds a message without looking at it, and reports it; 0 when it has to be looked at. */
  addQueued(offset: number, qos: 1 | 2, packetId: number): number;
  /** Keeps a retained message that is about to be sent until it is acknowledged. */
  keep(message: Message): void;
  /**
   * Access and expiry, asked when the message is about to leave. `isBegun`: it was sent before, and
   * expires no longer.
   */
  mayDeliver(message: Message, isBegun: boolean): boolean;
  /** The message is in the batch; `isFirst` when it is neither a redelivery nor a retained one. */
  sent(message: Message, qos: QoS, isFirst: boolean): void;
  /** The next message waits until it is durable: ask for another turn then. */
  awaitDurable(): void;
  /** What the store has cannot be read for the moment: {@link messageAt} finds nothing, nothing is lost. */
  readonly isUnreadable: boolean;
  /** A queued message cannot be read: the store has lost it. */
  missing(offset: number): void;
}

/**
 * What a message that is not sent takes of the room: looking at one costs about a tenth of writing
 * one, and a client that may have none of a long queue must not hold up the others.
 */
const SKIPPED_BYTES = 32;

/** Nothing was sent and nothing given up: the store has to be readable again first. */
const WAITS = -1;

const form = {
  qos: 0 as QoS,
  isDuplicate: false,
  isRetained: false,
  packetId: 0,
  subscriptionIds: [] as readonly number[],
};

/**
 * Sends what a client must acknowledge, in the order of its queue and as far as the window is open:
 * after a reconnect first what was in flight [MQTT-4.4.0-1], then what waits.
 */
export class OutgoingSender {
  readonly #queue: OutgoingQueue;
  readonly #answers: RetainedAnswers;
  #isAwaiting = false;

  constructor(queue: OutgoingQueue, answers: RetainedAnswers) {
    this.#queue = queue;
    this.#answers = answers;
  }

  /** A call of {@link send} would send something. */
  get canSend(): boolean {
    return !this.#isAwaiting && this.#queue.hasWindow && this.#queue.nextSequence !== 0;
  }

  /** What was sent on an earlier connection and is not acknowledged. Returns the room used. */
  redeliver(batch: WriteBatch, gate: OutgoingGate, room: number): number {
    return this.#send(batch, gate, -1, room);
  }

  /** What waits up to an offset, redeliveries first. Returns the room used. */
  send(batch: WriteBatch, gate: OutgoingGate, through: number, room: number): number {
    return this.#send(batch, gate, through, room);
  }

  /** The store has told what it was asked; see {@link OutgoingGate.awaitDurable}. */
  resume(): void {
    this.#isAwaiting = false;
  }

  #send(batch: WriteBatch, gate: OutgoingGate, through: number, room: number): number {
    const queue = this.#queue;
    let used = 0;
    while (used < room && queue.hasWindow) {
      const sequence = queue.nextSequence;
      if (sequence === 0) break;
      if (queue.entries.stateAt(sequence) === STATE.waiting) {
        if (queue.entries.offsetAt(sequence) > through) break;
        if (!queue.maySendNow(sequence)) {
          this.#await(gate);
          break;
        }
      }
      const bytes = this.#sendOne(batch, gate, sequence);
      if (bytes === WAITS) {
        this.#await(gate);
        break;
      }
      used += bytes;
    }
    if (used > 0) queue.noteSent();
    return used;
  }

  #sendOne(batch: WriteBatch, gate: OutgoingGate, sequence: number): number {
    const queue = this.#queue;
    const state = queue.entries.stateAt(sequence);
    if (state === STATE.received) {
      queue.take(sequence);
      return gate.encoder.addPubrel(batch, packetIdOf(sequence));
    }
    const atOnce = state === STATE.waiting ? this.#sendAtOnce(gate, sequence) : 0;
    if (atOnce > 0) return atOnce;
    const message = this.#messageAt(gate, sequence);
    if (message === undefined && gate.isUnreadable) return WAITS;
    // A handshake of QoS 2 that has begun is completed [MQTT-4.3.3-7].
    const isBegun = state === STATE.inFlight && queue.entries.qosAt(sequence) === 2;
    if (message === undefined || !gate.mayDeliver(message, isBegun)) {
      queue.finish(sequence);
      return SKIPPED_BYTES;
    }
    form.qos = queue.entries.qosAt(sequence);
    form.isDuplicate = state === STATE.inFlight;
    form.isRetained = queue.entries.has(sequence, FLAG.retained);
    form.packetId = packetIdOf(sequence);
    form.subscriptionIds = queue.subscriptionIdsAt(sequence);
    const bytes = gate.encoder.addPublish(batch, message, form);
    if (bytes === 0) {
      // MQTT 5 §3.1.2.11.4: the server then acts as if it had been sent and acknowledged.
      queue.finish(sequence);
      return SKIPPED_BYTES;
    }
    gate.sent(message, form.qos, !form.isDuplicate && !form.isRetained);
    if (form.qos > 0) queue.take(sequence);
    else queue.finish(sequence);
    return bytes;
  }

  /** The common case: a message that is sent for the first time, with nothing beside its packet id. */
  #sendAtOnce(gate: OutgoingGate, sequence: number): number {
    const queue = this.#queue;
    const qos = queue.entries.qosAt(sequence);
    if (qos === 0 || queue.entries.has(sequence, FLAG.retained | FLAG.answer)) return 0;
    if (queue.subscriptionIdsAt(sequence).length > 0) return 0;
    const offset = queue.entries.offsetAt(sequence);
    const bytes = gate.addQueued(offset, qos, packetIdOf(sequence));
    if (bytes > 0) queue.take(sequence);
    return bytes;
  }

  #messageAt(gate: OutgoingGate, sequence: number): Message | undefined {
    const offset = this.#queue.entries.offsetAt(sequence);
    if (!this.#queue.entries.has(sequence, FLAG.answer)) {
      const message = gate.messageAt(offset);
      if (message === undefined && !gate.isUnreadable) gate.missing(offset);
      return message;
    }
    const message = this.#answers.messageAt(sequence, gate);
    if (message === undefined) return undefined;
    gate.keep(message);
    this.#queue.keptAnswer(sequence);
    return message;
  }

  #await(gate: OutgoingGate): void {
    if (this.#isAwaiting) return;
    this.#isAwaiting = true;
    gate.awaitDurable();
  }
}
