import { Filters } from "../../bus/filter-set.ts";
import type { MessageDraft, QoS, TransportName } from "../../bus/message.ts";
import { ANONYMOUS, type Identity } from "../../bus/ports.ts";
import type { RestoredSession } from "../../bus/session-store.ts";
import type { TopicFilter } from "../../bus/topic.ts";
import type { WriteBatch } from "../write-batch.ts";
import type { ShareOwner } from "./outgoing-notes.ts";
import { type NewEntry, OutgoingQueue } from "./outgoing-queue.ts";
import { QueueOverflow } from "./queue-overflow.ts";
import { RetainedAnswers } from "./retained-answers.ts";
import { type GrantHost, SessionGrants } from "./session-grants.ts";
import type { SessionFacts, SessionLink, SessionParts } from "./session-parts.ts";
import { SessionOutput } from "./session-output.ts";
import { SessionRecord } from "./session-record.ts";
import { SessionShares } from "./session-shares.ts";
import type { SessionState, ShareState, SubscriptionOptions } from "./session-state.ts";
import type { SessionWill } from "./session-will.ts";
import type { SharingSession } from "./shared-subscription.ts";

/** The state of a session that has just begun. */
const NOTHING = { awaySince: null, subscriptions: [], shares: [], will: null };

/** What is queued at the moment; one object for all, as it is copied into the queue. */
const entry = { offset: 0, bytes: 0, qos: 0 as QoS, isRetained: false, subscriptionId: 0 };

/**
 * What the gateway keeps for one MQTT client, whatever the engine. Messages delivered at QoS 0 come
 * from a bus reader, which exists while the client is connected. Messages delivered at QoS 1 or 2
 * are put on the session's own queue within the fan-out, connected or not, and stay until they are
 * acknowledged.
 */
export class MqttSession implements SessionFacts, GrantHost, SharingSession {
  readonly clientId: string;
  /** The session ends with its connection. */
  isClean: boolean;
  readonly record: SessionRecord;
  /** Seconds of absence after which it ends; `null` for as long as the server allows. */
  expirySeconds: number | null;
  will: SessionWill | null = null;
  awaySince: number | null = null;
  readonly #parts: SessionParts;
  readonly #queue: OutgoingQueue;
  readonly #answers: RetainedAnswers;
  readonly #output: SessionOutput;
  readonly #overflow: QueueOverflow;
  readonly #grants: SessionGrants;
  readonly #shares: SessionShares;
  /** `null` until there is one: most clients publish nothing at QoS 2. */
  #incoming: Map<number, ((error?: Error | null) => void)[] | null> | null = null;
  #link: SessionLink | null = null;
  #identity: Identity;

  /** A new session, or with `restored` one of an earlier process, without a connection. */
  constructor(
    options: Pick<SessionState, "clientId" | "isClean" | "expirySeconds" | "user">,
    parts: SessionParts,
    restored: RestoredSession | null = null,
  ) {
    this.clientId = options.clientId;
    this.isClean = options.isClean;
    this.expirySeconds = options.expirySeconds;
    this.#identity = options.user === null ? ANONYMOUS : { user: options.user };
    this.#parts = parts;
    this.record = new SessionRecord(parts.bus.sessions.store, () => this.state, restored?.stored);
    const stored = this.isClean ? null : this.record.begin({ ...NOTHING, ...options });
    this.#queue = new OutgoingQueue(parts.limits, parts.bus.sessions, stored);
    this.#answers = new RetainedAnswers(this.#queue);
    this.#overflow = new QueueOverflow(this, this.#queue, parts);
    this.#grants = new SessionGrants(parts.bus, this);
    this.#shares = new SessionShares(parts.bus, this, this.#queue);
    this.#output = new SessionOutput(this, parts, this.#queue, this.#answers, this.#grants);
    if (restored === null) return;
    this.#queue.restore(restored);
    for (const packetId of restored.incoming) this.incoming.set(packetId, null);
  }

  /** Packet ids of QoS 2 messages accepted and not released yet [MQTT-4.3.3-2]. */
  get incoming(): Map<number, ((error?: Error | null) => void)[] | null> {
    this.#incoming ??= new Map();
    return this.#incoming;
  }

  get link(): SessionLink | null {
    return this.#link;
  }

  get hasShares(): boolean {
    return this.#shares.count > 0;
  }

  get subscriptionCount(): number {
    return this.#grants.count + this.#shares.count;
  }

  /** Queued messages that would be lost with the session. */
  get undelivered(): number {
    return this.#queue.undelivered;
  }

  /** Its queue outlives the process. */
  get isStored(): boolean {
    return this.record.isStored && !this.isClean;
  }

  /** Whether the session has this subscription, a filter or a share in a group. */
  has(subscription: string): boolean {
    return this.#shares.has(subscription) || this.#grants.has(subscription);
  }

  get state(): SessionState {
    return {
      clientId: this.clientId,
      isClean: this.isClean,
      expirySeconds: this.expirySeconds,
      user: this.#identity.user,
      awaySince: this.awaySince,
      subscriptions: this.#grants.states(),
      shares: this.#shares.states(),
      will: this.will,
    };
  }

  /** Takes up what an earlier process subscribed to; throws nothing: what is denied now is left out. */
  resubscribe({ subscriptions, shares }: SessionState): void {
    const { bus } = this.#parts;
    for (const { filter, ...options } of subscriptions) {
      if (!bus.maySubscribe(this.#identity, filter)) this.record.changed();
      else this.#grants.add(filter, options, this.#identity);
    }
    const own = new Filters(subscriptions.filter(({ qos }) => qos > 0).map(filterOf));
    for (const share of shares) {
      if (!this.#shares.restore(share, own)) this.record.changed();
    }
  }

  /** A connection takes the session up; nothing is sent before {@link open}. */
  attach(link: SessionLink): void {
    const { bus } = this.#parts;
    const { identity } = link;
    this.#link = link;
    this.#identity = identity;
    this.awaySince = null;
    const reader = this.#output.attach(link);
    for (const filter of this.#grants.filters()) {
      // What the client may no longer subscribe to is taken from the session.
      if (!bus.maySubscribe(identity, filter)) this.unsubscribe(filter);
      else this.#grants.listen(filter, reader, false);
    }
    this.record.changed();
  }

  /** CONNACK is written: deliver. */
  open(): void {
    this.#output.open();
    this.#shares.ready();
  }

  /** The connection is over. */
  detach(now: number): void {
    this.#link = null;
    this.#grants.silenceAll();
    this.#output.detach();
    this.awaySince = now;
    this.record.changed();
  }

  /** Drops every subscription and everything queued. What is stored of it goes, too, unless told. */
  end(isRecordKept = false): void {
    this.#grants.removeAll();
    this.#shares.end();
    this.#queue.clear();
    this.#answers.clear();
    this.#incoming = null;
    if (!isRecordKept) this.record.delete();
  }

  /** The process ends: what is stored stays for the next one. */
  suspend(): void {
    this.record.save();
    this.#grants.removeAll();
    this.#shares.suspend();
    this.#queue.suspend();
  }

  /** SUBACK is about to be written: retained messages, then live ones [MQTT-3.8.4-3]. */
  subscribe(filter: TopicFilter, options: SubscriptionOptions, sendRetained = true): void {
    const { reader } = this.#output;
    if (reader === null || this.#overflow.hasEnded) return;
    this.unsubscribe(filter);
    const { qos, id } = options;
    if (qos > 0 && sendRetained) {
      const found = this.#parts.bus.retainedUnder(reader.identity, [filter]);
      this.#answers.begin(filter, found, qos === 2 ? 2 : 1, id);
    }
    this.#grants.add(filter, options, reader.identity);
    this.#grants.listen(filter, reader, sendRetained);
    this.record.changed();
    this.#link?.wake();
  }

  /** Joins a group, again with other options if it was in it. Throws a refusal of the bus. */
  share(share: ShareState): void {
    this.#shares.join(share);
    this.record.changed();
  }

  unshare(name: string): void {
    if (this.#shares.leave(name)) this.record.changed();
  }

  /** Nothing new is queued for the filter; what is in flight is still completed. */
  unsubscribe(filter: TopicFilter): void {
    if (!this.#grants.remove(filter)) return;
    this.#answers.forget(filter);
    this.record.changed();
  }

  get transport(): TransportName {
    return this.#link?.transport ?? "mqtt";
  }

  /** Of the connection, or of the last one. */
  get identity(): Identity {
    return this.#identity;
  }

  get hasRoomForShared(): boolean {
    return this.#output.hasRoom && !this.#overflow.hasEnded;
  }

  takeShared(given: NewEntry, owner: ShareOwner): void {
    this.#queue.pushShared(given, owner);
    this.#link?.wake();
  }

  groupWaits(): void {
    this.#parts.stalled(this);
  }

  groupOverflowed(name: string): void {
    this.#parts.logger.warn("mqtt group drops its oldest messages", { group: name });
  }

  offered(offset: number, bytes: number, options: SubscriptionOptions): void {
    const message = this.#parts.shared.at(offset);
    if (message === null || this.#overflow.hasEnded) return;
    if (options.noLocal && message.origin.sessionId === this.#link?.origin.sessionId) return;
    entry.offset = offset;
    entry.bytes = bytes;
    entry.qos = message.qos === 2 && options.qos === 2 ? 2 : 1;
    entry.isRetained = options.retainAsPublished && message.retain;
    entry.subscriptionId = options.id;
    if (this.#queue.merge(entry) || !this.#overflow.makesRoomFor(bytes)) return;
    this.#queue.push(entry);
    if (this.#grants.matches !== null) this.#mergeUnacknowledged(message);
    this.#link?.wake();
  }

  /** What filters of QoS 0 add to a message that a filter of a higher one has queued. */
  #mergeUnacknowledged({ topic, retain, origin }: MessageDraft): void {
    const isOwn = origin.sessionId === this.#link?.origin.sessionId;
    const match = this.#grants.matches?.of(topic, isOwn) ?? null;
    if (match === null) return;
    entry.isRetained = match.retainAsPublished && retain;
    entry.subscriptionId = 0;
    this.#queue.merge(entry);
    for (const id of match.ids) {
      entry.subscriptionId = id;
      this.#queue.merge(entry);
    }
  }

  /** PUBACK for QoS 1, PUBCOMP for QoS 2. False for an id that is not in flight with that QoS. */
  acknowledge(packetId: number, qos: 1 | 2): boolean {
    if (!this.#queue.acknowledge(packetId, qos)) return false;
    if (this.#queue.waiting > 0) this.#link?.wake();
    this.#output.tellDelivered();
    return true;
  }

  /**
   * PUBREC: from here on a redelivery is a PUBREL. The PUBREL itself waits for
   * {@link SessionRecord.whenDurable}: a crash behind it must not send the message again.
   */
  received(packetId: number): boolean {
    return this.#queue.received(packetId);
  }

  /**
   * A message of QoS 2 is about to be accepted from the client, as a part of the same write; those who
   * wait are told what becomes of it.
   */
  take(packetId: number, waiting: ((error?: Error | null) => void)[]): void {
    this.incoming.set(packetId, waiting);
    if (this.isStored) this.record.addIncoming(packetId);
  }

  /** PUBREL has come for it, or it was not accepted. */
  release(packetId: number): void {
    this.incoming.delete(packetId);
    if (this.isStored) this.record.deleteIncoming(packetId);
  }

  /** Calls back once, when the client has everything and has acknowledged it. */
  whenDelivered(callback: () => void): void {
    this.#output.whenDelivered(callback);
  }

  /** Adds up to about `room` bytes of what is ready. Returns whether more is left. */
  fill(batch: WriteBatch, room: number): boolean {
    if (this.#overflow.hasEnded) return false;
    const hasMore = this.#output.fill(batch, room);
    if (this.hasRoomForShared) this.#shares.ready();
    return hasMore;
  }

  wake(): void {
    this.#link?.wake();
  }
}

function filterOf({ filter }: { readonly filter: TopicFilter }): TopicFilter {
  return filter;
}
