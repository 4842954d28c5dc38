import type { Bus } from "../../bus/bus.ts";
import type { Delivery } from "../../bus/delivery.ts";
import type { Message, QoS, TransportName } from "../../bus/message.ts";
import { ANONYMOUS, type Identity } from "../../bus/ports.ts";
import type { Reader, ReaderHost } from "../../bus/reader.ts";
import type { Subscription } from "../../bus/subscription.ts";
import type { Offerable } from "../../bus/subscription-index.ts";
import type { TopicFilter } from "../../bus/topic.ts";
import type { TransportObserver } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";
import { AcknowledgedFilters } from "./acknowledged-filters.ts";
import { type LivePublishes, reportSent } from "./live-publishes.ts";
import type { MqttConnection } from "./mqtt-connection.ts";
import type { OutgoingLimits } from "./outgoing-queue.ts";
import { type OutgoingGate, OutgoingSender } from "./outgoing-sender.ts";
import { addPublish, type PublishForm } from "./publish-encoding.ts";
import type { SharedMessage } from "./shared-message.ts";
import { SharedSubscription, type SharingSession } from "./shared-subscription.ts";

/** What all sessions of an engine share. */
export interface SessionParts {
  readonly bus: Bus;
  readonly observer: TransportObserver;
  readonly shared: SharedMessage;
  readonly publishes: LivePublishes;
  readonly limits: OutgoingLimits;
}

/** A filter the session holds, with the QoS it was granted. */
interface Grant {
  readonly qos: QoS;
  /** Live and retained messages while connected. */
  subscription: Subscription | null;
  /** Ends the queueing of QoS 1 and 2; `null` for QoS 0. */
  readonly endWatch: (() => void) | null;
}

/**
 * What the gateway keeps for one MQTT client. Messages delivered at QoS 0 come from a bus reader,
 * which exists while the client is connected. Messages delivered at QoS 1 or 2 are put on the
 * session's own queue within the fan-out, connected or not, and stay until they are acknowledged.
 */
export class MqttSession implements Delivery, ReaderHost, OutgoingGate, SharingSession {
  readonly clientId: string;
  readonly isClean: boolean;
  /** Packet ids of QoS 2 messages accepted and not released yet [MQTT-4.3.3-2]. */
  readonly incoming = new Map<number, ((error?: Error | null) => void)[] | null>();
  readonly #parts: SessionParts;
  readonly #sender: OutgoingSender;
  readonly #grants = new Map<TopicFilter, Grant>();
  /** By the whole text of the subscription. */
  readonly #shared = new Map<string, SharedSubscription>();
  readonly #acknowledged = new AcknowledgedFilters();
  #connection: MqttConnection | null = null;
  #identity: Identity = ANONYMOUS;
  #reader: Reader | null = null;
  /** Set while {@link fill} runs. */
  #batch: WriteBatch | null = null;
  #isOpen = false;
  #isOverflowed = false;
  #whenDelivered: (() => void) | null = null;

  constructor(clientId: string, isClean: boolean, parts: SessionParts) {
    this.clientId = clientId;
    this.isClean = isClean;
    this.#parts = parts;
    this.#sender = new OutgoingSender(parts.limits);
  }

  get connection(): MqttConnection | null {
    return this.#connection;
  }

  get subscriptionCount(): number {
    return this.#grants.size + this.#shared.size;
  }

  /** Queued messages that would be lost with the session. */
  get undelivered(): number {
    return this.#sender.undelivered;
  }

  /** Whether the session has this subscription, a filter or a share in a group. */
  has(subscription: string): boolean {
    return (
      this.#shared.has(subscription) || [...this.#grants.keys()].some((f) => f === subscription)
    );
  }

  /** A connection takes the session up; nothing is sent before {@link open}. */
  attach(connection: MqttConnection): void {
    const { bus } = this.#parts;
    this.#connection = connection;
    this.#identity = connection.identity;
    this.#reader = bus.openReader(
      { transport: connection.transport, identity: connection.identity },
      this,
    );
    this.#sender.resume();
    for (const [filter, grant] of [...this.#grants]) {
      // What the client may no longer subscribe to is taken from the session.
      if (!bus.maySubscribe(connection.identity, filter)) this.unsubscribe(filter);
      else grant.subscription = this.#listen(this.#reader, filter, false);
    }
  }

  /** CONNACK is written: deliver. */
  open(): void {
    this.#isOpen = true;
    this.#connection?.outbox.wake();
    for (const shared of this.#shared.values()) shared.ready();
  }

  /** The connection is over. A clean session ends with it [MQTT-3.1.2-6]. */
  detach(): void {
    this.#connection = null;
    this.#isOpen = false;
    this.#isOverflowed = false;
    this.#whenDelivered = null;
    for (const grant of this.#grants.values()) this.#stopListening(grant);
    this.#reader = null;
    if (this.isClean) this.end();
  }

  /** Drops every subscription and everything queued. */
  end(): void {
    for (const filter of [...this.#grants.keys()]) this.unsubscribe(filter);
    for (const name of [...this.#shared.keys()]) this.unshare(name);
    this.#sender.clear();
    this.incoming.clear();
  }

  /** SUBACK is written: retained messages, then live ones [MQTT-3.8.4-3]. */
  subscribe(filter: TopicFilter, qos: QoS): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.unsubscribe(filter);
    const { bus } = this.#parts;
    let endWatch: (() => void) | null = null;
    if (qos > 0) {
      const found = bus.retainedUnder(reader.identity, [filter]);
      this.#sender.offerRetained(filter, found, qos);
      const watcher: Offerable = { offer: (offset) => this.#offer(offset, qos) };
      endWatch = bus.watch(reader.identity, [filter], watcher);
    }
    this.#grants.set(filter, { qos, endWatch, subscription: this.#listen(reader, filter, true) });
    this.#acknowledged.update(this.#grants);
    this.#connection?.outbox.wake();
  }

  /** Joins a group, again with another QoS if it was in it. Throws a refusal of the bus. */
  share(name: string, group: string, filter: TopicFilter, qos: QoS): void {
    this.unshare(name);
    this.#shared.set(name, new SharedSubscription(this.#parts.bus, group, filter, qos, this));
  }

  unshare(name: string): void {
    const shared = this.#shared.get(name);
    this.#shared.delete(name);
    shared?.leave();
  }

  get transport(): TransportName {
    return this.#connection?.transport ?? "mqtt";
  }

  /** Of the connection, or of the last one. */
  get identity(): Identity {
    return this.#identity;
  }

  get hasRoomForShared(): boolean {
    return this.#isOpen && this.#sender.hasRoomForShared;
  }

  takeShared(message: Message, granted: QoS, onDone: () => void): void {
    this.#sender.offerShared(message, granted, onDone);
    this.#connection?.outbox.wake();
  }

  /** Nothing new is queued for the filter; what is in flight is still completed. */
  unsubscribe(filter: TopicFilter): void {
    const grant = this.#grants.get(filter);
    if (grant === undefined) return;
    this.#grants.delete(filter);
    this.#stopListening(grant);
    grant.endWatch?.();
    this.#sender.forgetRetained(filter);
    this.#acknowledged.update(this.#grants);
  }

  /** PUBACK for QoS 1, PUBCOMP for QoS 2. */
  acknowledge(packetId: number, qos: 1 | 2): void {
    if (!this.#sender.acknowledge(packetId, qos)) return;
    if (this.#sender.hasWaiting) this.#connection?.outbox.wake();
    this.#tellDelivered();
  }

  /** PUBREC: from here on a redelivery is a PUBREL. */
  received(packetId: number): void {
    this.#sender.received(packetId);
  }

  /** Calls back once, when the client has everything and has acknowledged it. */
  whenDelivered(callback: () => void): void {
    this.#whenDelivered = callback;
    this.#tellDelivered();
  }

  /** Adds up to about `room` bytes of what is ready. Returns whether more is left. */
  fill(batch: WriteBatch, room: number): boolean {
    const reader = this.#reader;
    if (reader === null || !this.#isOpen) return false;
    this.#batch = batch;
    try {
      let left = room - this.#sender.redeliver(batch, this);
      if (reader.isReady && left > 0) left -= reader.pull(this, left);
      if (!this.#isCatchingUp())
        left -= this.#sender.send(batch, this, Number.POSITIVE_INFINITY, left);
    } finally {
      this.#batch = null;
    }
    this.#tellDelivered();
    if (this.#sender.hasRoomForShared) for (const shared of this.#shared.values()) shared.ready();
    return reader.isReady || (this.#sender.canSend && !this.#isCatchingUp());
  }

  wake(): void {
    this.#connection?.outbox.wake();
  }

  overflowed(): void {
    this.#connection?.killSoon();
  }

  retained(subscription: Subscription, message: Message): number {
    const [filter] = subscription.filterSet.filters;
    const granted = filter === undefined ? 0 : (this.#grants.get(filter)?.qos ?? 0);
    // Those that ask for acknowledgement have been the sender's since the subscription began.
    if (granted > 0 && message.qos > 0) return 0;
    return this.#send(message, { qos: 0, isDuplicate: false, isRetained: true, packetId: 0 });
  }

  recovered(_subscription: Subscription, message: Message): number {
    if (message.qos > 0 && this.#acknowledged.matches(message.topic)) return 0;
    return this.#send(message, { qos: 0, isDuplicate: false, isRetained: false, packetId: 0 });
  }

  live(offset: number, reader: Reader): number {
    const batch = this.#batch;
    const { publishes, observer } = this.#parts;
    const facts = publishes.factsAt(offset, reader);
    if (batch === null || facts === undefined) return 0;
    let used = 0;
    if (this.#sender.nextOffset <= offset && !this.#isCatchingUp()) {
      used += this.#sender.send(batch, this, offset, Number.POSITIVE_INFINITY);
    }
    if (facts.qos > 0 && this.#acknowledged.matchesAt(offset, reader)) return used;
    used += publishes.addTo(batch, offset, reader);
    observer.delivered(facts.ingress, reader.transport, 0, facts.receivedAt, facts.acceptedAt);
    return used;
  }

  wentLive(): void {
    // MQTT has no word for it.
  }

  /** The log has dropped what this client was still to be sent; MQTT can only say so by the close. */
  gap(): void {
    this.#connection?.killSoon();
  }

  dropped(): void {
    // No subscription of ours has a policy that drops.
  }

  #listen(reader: Reader, filter: TopicFilter, retained: boolean): Subscription {
    return this.#parts.bus.subscribe(reader, {
      filters: [filter],
      start: { from: "now" },
      overflow: "disconnect",
      retained,
    }).subscription;
  }

  #stopListening(grant: Grant): void {
    if (grant.subscription !== null) this.#parts.bus.unsubscribe(grant.subscription);
    grant.subscription = null;
  }

  /** Called inside the fan-out, once for each filter that matches. */
  #offer(offset: number, granted: QoS): void {
    const message = this.#parts.shared.at(offset);
    if (message === null || this.#isOverflowed) return;
    const dropped = this.#sender.offer(message, granted === 2 ? 2 : 1, this.isClean);
    if (dropped === 0) {
      this.#connection?.outbox.wake();
      return;
    }
    const reason = this.isClean ? "slow_subscriber" : "drop_oldest";
    this.#parts.bus.noteDropped(this.transport, reason, dropped);
    if (!this.isClean) return;
    this.#isOverflowed = true;
    this.#connection?.killSoon();
  }

  mayDeliver(message: Message): boolean {
    const reader = this.#reader;
    if (reader === null) return false;
    return this.#parts.bus.mayDeliver(reader.transport, reader.identity, message);
  }

  sent(message: Message, qos: QoS, isFirst: boolean): void {
    const liveSince = isFirst
      ? (this.#connection?.session.connectedAt ?? 0)
      : Number.POSITIVE_INFINITY;
    reportSent(message, qos, this.#parts.observer, this.transport, liveSince);
  }

  /**
   * Retained messages of QoS 0 are still to come from the reader: queued messages wait, as an older
   * value must not follow a newer one.
   */
  #isCatchingUp(): boolean {
    return this.#reader?.isCatchingUp ?? false;
  }

  #send(message: Message, form: PublishForm): number {
    const batch = this.#batch;
    if (batch === null) return 0;
    this.#parts.observer.deliveredLate(message.origin.transport, this.transport, form.qos);
    return addPublish(batch, message, form);
  }

  #tellDelivered(): void {
    const callback = this.#whenDelivered;
    if (callback === null) return;
    if (this.#sender.isOwed || (this.#reader?.isReady ?? false)) return;
    this.#whenDelivered = null;
    callback();
  }
}
