import type { Delivery } from "../../bus/delivery.ts";
import { type Message, NO_PROPERTIES, type QoS, type TransportName } from "../../bus/message.ts";
import type { Identity } from "../../bus/ports.ts";
import type { Reader, ReaderHost } from "../../bus/reader.ts";
import type { Subscription } from "../../bus/subscription.ts";
import type { Topic } from "../../bus/topic.ts";
import type { WriteBatch } from "../write-batch.ts";
import { type LiveRun, NO_RUN, reportSent } from "./live-publishes.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";
import { type OutgoingGate, OutgoingSender } from "./outgoing-sender.ts";
import type { RetainedAnswers } from "./retained-answers.ts";
import type { SessionGrants } from "./session-grants.ts";
import type { SessionEncoder, SessionFacts, SessionLink, SessionParts } from "./session-parts.ts";
import type { SubscriptionOptions } from "./session-state.ts";
import type { TopicMatches } from "./topic-matches.ts";

const NO_IDS: readonly number[] = Object.freeze([]);

/**
 * What the client of one session is sent while it is connected: live messages at QoS 0 from a reader,
 * and what it must acknowledge from the session's queue, in one order.
 */
export class SessionOutput implements Delivery, ReaderHost, OutgoingGate {
  readonly #session: SessionFacts;
  readonly #parts: SessionParts;
  readonly #queue: OutgoingQueue;
  readonly #grants: SessionGrants;
  readonly #sender: OutgoingSender;
  #link: SessionLink | null = null;
  #reader: Reader | null = null;
  /** Set while {@link fill} runs. */
  #batch: WriteBatch | null = null;
  #isOpen = false;
  #isMissingTold = false;
  /** The store has refused what the sender waits for; it is asked again in the next {@link fill}. */
  #isStalled = false;
  #whenDelivered: (() => void) | null = null;
  /** Live messages of one run, with this QoS, that are in the batch and not reported. */
  #run = NO_RUN;
  #runQos: QoS = 0;
  #runCount = 0;

  constructor(
    session: SessionFacts,
    parts: SessionParts,
    queue: OutgoingQueue,
    answers: RetainedAnswers,
    grants: SessionGrants,
  ) {
    this.#session = session;
    this.#parts = parts;
    this.#queue = queue;
    this.#grants = grants;
    this.#sender = new OutgoingSender(queue, answers);
  }

  /** `null` without a connection. */
  get reader(): Reader | null {
    return this.#reader;
  }

  /** Another message would leave at once. */
  get hasRoom(): boolean {
    return this.#isOpen && this.#queue.hasWindow && this.#queue.waiting === 0;
  }

  attach(link: SessionLink): Reader {
    const { identity, transport } = link;
    const reader = this.#parts.bus.openReader({ transport, identity }, this);
    this.#link = link;
    this.#reader = reader;
    this.#queue.resume(link.receiveMaximum);
    return reader;
  }

  /** From here on {@link fill} delivers. */
  open(): void {
    this.#isOpen = true;
    this.wake();
  }

  detach(): void {
    this.#link = null;
    this.#reader = null;
    this.#isOpen = false;
    this.#whenDelivered = null;
  }

  /** Calls back once, when the client has everything and has acknowledged it. */
  whenDelivered(callback: () => void): void {
    this.#whenDelivered = callback;
    this.tellDelivered();
  }

  /** To be called when something was acknowledged or written. */
  tellDelivered(): void {
    const callback = this.#whenDelivered;
    if (callback === null) return;
    if (this.#queue.length > 0 || (this.#reader?.isReady ?? false)) return;
    this.#whenDelivered = null;
    callback();
  }

  /** Adds up to about `room` bytes of what is ready. Returns whether more is left. */
  fill(batch: WriteBatch, room: number): boolean {
    const reader = this.#reader;
    if (reader === null || !this.#isOpen) return false;
    if (this.#isStalled) {
      this.#isStalled = false;
      this.#sender.resume();
    }
    this.#batch = batch;
    try {
      let left = room - this.#sender.redeliver(batch, this, room);
      if (reader.isReady && left > 0) left -= reader.pull(this, left);
      if (!reader.isCatchingUp) {
        left -= this.#sender.send(batch, this, Number.POSITIVE_INFINITY, left);
      }
    } finally {
      this.#batch = null;
      this.#report();
    }
    this.tellDelivered();
    return reader.isReady || (this.#sender.canSend && !reader.isCatchingUp);
  }

  wake(): void {
    this.#link?.wake();
  }

  overflowed(): void {
    this.#link?.endSoon("slow_subscriber");
  }

  retained(subscription: Subscription, message: Message): number {
    const options = this.#optionsOf(subscription);
    // Those that ask for acknowledgement have been in the queue since the subscription began.
    if ((options?.qos ?? 0) > 0 && message.qos > 0) return 0;
    return this.#send(message, true, options?.id ?? 0);
  }

  recovered(subscription: Subscription, message: Message): number {
    if (message.qos > 0 && this.#grants.acknowledged.matches(message.topic)) return 0;
    const options = this.#optionsOf(subscription);
    if (options?.noLocal === true && this.#isOwn(message.origin.sessionId)) return 0;
    const isRetained = message.retain && options?.retainAsPublished === true;
    return this.#send(message, isRetained, options?.id ?? 0);
  }

  live(offset: number, reader: Reader): number {
    const batch = this.#batch;
    const run = this.#parts.publishes.runAt(offset, reader);
    if (batch === null || run === undefined) return 0;
    let used = 0;
    if (this.#queue.waiting > 0 && this.#queue.nextOffset <= offset && !reader.isCatchingUp) {
      used += this.#sender.send(batch, this, offset, Number.POSITIVE_INFINITY);
    }
    const { matches } = this.#grants;
    const bytes =
      matches === null
        ? this.#addLive(batch, offset, run, reader)
        : this.#addMatched(batch, offset, run, reader, matches);
    if (bytes === 0) return used;
    this.#note(run, 0);
    return used + bytes;
  }

  wentLive(): void {
    // MQTT has no word for it.
  }

  /** The log has dropped what this client was still to be sent; MQTT can only say so by the close. */
  gap(): void {
    this.#link?.endSoon("gap");
  }

  dropped(): void {
    // No subscription of ours has a policy that drops.
  }

  get encoder(): SessionEncoder {
    if (this.#link === null) throw new Error("nothing is delivered without a connection");
    return this.#link.encoder;
  }

  messageAt(offset: number): Message | undefined {
    return this.#parts.bus.messageAt(offset);
  }

  retainedAt(topic: Topic): Message | undefined {
    try {
      return this.#parts.bus.retainedAt(this.#identity, topic);
    } catch {
      // Access was withdrawn since the client subscribed: it may not even know that there is one.
      return undefined;
    }
  }

  retainedUnderAll(): readonly Message[] {
    const filters = this.#grants.filters();
    return filters.length === 0 ? [] : this.#parts.bus.retainedUnder(this.#identity, filters);
  }

  keep(message: Message): void {
    this.#parts.bus.sessions.keep(message);
  }

  mayDeliver(message: Message, isBegun: boolean): boolean {
    const reader = this.#reader;
    if (reader === null) return false;
    const asked = isBegun ? { ...message, properties: NO_PROPERTIES } : message;
    return this.#parts.bus.mayDeliver(reader.transport, reader.identity, asked);
  }

  sent(message: Message, qos: QoS, isFirst: boolean): void {
    const liveSince = isFirst ? (this.#link?.connectedAt ?? 0) : Number.POSITIVE_INFINITY;
    reportSent(message, qos, this.#parts.observer, this.#transport, liveSince);
  }

  awaitDurable(): void {
    this.#parts.bus.sessions.store.whenDurable((refusal) => {
      if (refusal === null) {
        this.#sender.resume();
        this.#link?.wake();
        return;
      }
      // A store at fault refuses at once: asked again in every turn, it would keep the process busy.
      this.#isStalled = true;
      this.#parts.stalled(this.#session);
    });
  }

  get isUnreadable(): boolean {
    return this.#parts.bus.sessions.isUnreadable;
  }

  missing(offset: number): void {
    if (this.#isMissingTold) return;
    this.#isMissingTold = true;
    const { logger } = this.#parts;
    logger.error("a queued message is not in the store", {
      clientId: this.#session.clientId,
      offset,
    });
  }

  /** Adds a message of the queue without looking at more than its facts; 0 when that is not enough. */
  addQueued(offset: number, qos: 1 | 2, packetId: number): number {
    const run = this.#parts.publishes.knownAt(offset);
    if (run === undefined || this.#batch === null || this.#parts.bus.hasPolicy) return 0;
    if (run.acceptedAt < (this.#link?.connectedAt ?? 0)) return 0;
    const bytes = this.encoder.addQueued(this.#batch, offset, qos, packetId);
    if (bytes > 0) this.#note(run, qos);
    return bytes;
  }

  /** Returns 0 for what the queue delivers, and for what the client cannot take. */
  #addLive(batch: WriteBatch, offset: number, run: LiveRun, reader: Reader): number {
    const { acknowledged } = this.#grants;
    if (run.qos > 0 && acknowledged.matchesAt(offset, reader)) return 0;
    return this.encoder.addLive(batch, offset, run, reader);
  }

  /** As {@link #addLive}, where subscriptions have options beside their QoS. */
  #addMatched(
    batch: WriteBatch,
    offset: number,
    run: LiveRun,
    reader: Reader,
    matches: TopicMatches,
  ): number {
    const message = reader.messageAt(offset);
    if (message === undefined) return 0;
    const match = matches.of(message.topic, this.#isOwn(run.sessionId));
    if (match === null || (run.qos > 0 && match.qos > 0)) return 0;
    const isRetained = run.retain && match.retainAsPublished;
    if (!isRetained && match.ids.length === 0) {
      return this.encoder.addLive(batch, offset, run, reader);
    }
    return this.encoder.addUnacknowledged(batch, message, isRetained, match.ids);
  }

  #note(run: LiveRun, qos: QoS): void {
    if (run !== this.#run || qos !== this.#runQos) {
      this.#report();
      this.#run = run;
      this.#runQos = qos;
    }
    this.#runCount += 1;
  }

  #report(): void {
    const count = this.#runCount;
    if (count === 0) return;
    const { ingress, receivedAt, acceptedAt } = this.#run;
    this.#runCount = 0;
    const { observer } = this.#parts;
    observer.delivered(ingress, this.#transport, this.#runQos, receivedAt, acceptedAt, count);
  }

  #send(message: Message, isRetained: boolean, subscriptionId: number): number {
    const batch = this.#batch;
    if (batch === null) return 0;
    const ids = subscriptionId === 0 ? NO_IDS : [subscriptionId];
    const bytes = this.encoder.addUnacknowledged(batch, message, isRetained, ids);
    if (bytes === 0) return 0;
    this.#parts.observer.deliveredLate(message.origin.transport, this.#transport, 0);
    return bytes;
  }

  #optionsOf({ filterSet }: Subscription): SubscriptionOptions | undefined {
    const [filter] = filterSet.filters;
    return filter === undefined ? undefined : this.#grants.optionsOf(filter);
  }

  #isOwn(sessionId: string): boolean {
    return sessionId === this.#link?.origin.sessionId;
  }

  get #transport(): TransportName {
    return this.#link?.transport ?? "mqtt";
  }

  get #identity(): Identity {
    return this.#session.identity;
  }
}
