import { type GatewayError, toGatewayError } from "../errors.ts";
import { Admission } from "./admission.ts";
import type { BusLimits, BusPage, BusParts } from "./bus-parts.ts";
import { type Cursor, formatCursor } from "./cursor.ts";
import { isDeliverable } from "./deliverable.ts";
import { FanOut } from "./fan-out.ts";
import type { GroupMember, GroupMembership } from "./group.ts";
import { Groups } from "./groups.ts";
import { type Attempt, type IdempotencyKey, IdempotencyKeys } from "./idempotency.ts";
import { LastingSessions } from "./lasting-sessions.ts";
import { locateStart, readPage } from "./log-access.ts";
import type { Message, MessageDraft, TransportName } from "./message.ts";
import type {
  AccessPolicy,
  BusObserver,
  DropReason,
  Gap,
  Identity,
  LogListener,
  MessageLog,
  PageLimits,
  Receipt,
} from "./ports.ts";
import { Reader, type ReaderContext, type ReaderHost, type ReaderOptions } from "./reader.ts";
import { RetainedAhead, RetainedMessages } from "./retained.ts";
import { permittedAt, permittedUnder } from "./retained-access.ts";
import { type Start, Subscription, type SubscriptionOptions } from "./subscription.ts";
import { type Offerable, SubscriptionIndex } from "./subscription-index.ts";
import type { Topic, TopicFilter } from "./topic.ts";

export type { BusLimits, BusPage, BusParts } from "./bus-parts.ts";
/**
 * The one bus: check → append → (ordered) retain, fan out → (durable) acknowledge. It holds no
 * socket and no timer and never waits for a subscriber: it puts positions on bounded queues, and
 * readers pull.
 */
export class Bus implements LogListener {
  /** What outlives connections: sessions, groups, and the messages their queues hold. */
  readonly sessions: LastingSessions;
  readonly limits: BusLimits;
  readonly fanOut = new FanOut();
  readonly #log: MessageLog;
  readonly #retained: RetainedMessages;
  readonly #admission: Admission;
  readonly #policy: AccessPolicy | null;
  readonly #observer: BusObserver;
  readonly #index = new SubscriptionIndex();
  readonly #groups: Groups;
  readonly #keys: IdempotencyKeys;
  readonly #context: ReaderContext;
  /** Readers that queued something since the log last announced an eviction. */
  #pending: Reader[] = [];
  #subscriptions = 0;

  constructor(parts: BusParts) {
    this.#log = parts.log;
    this.#retained = new RetainedMessages(parts.retained, parts.clock, parts.limits);
    this.#admission = new Admission(parts.policy, this.#retained, parts.limits.maxPayloadBytes);
    this.#policy = parts.policy;
    this.#observer = parts.observer;
    this.limits = parts.limits;
    this.#context = {
      log: parts.log,
      retained: this.#retained,
      policy: parts.policy,
      observer: parts.observer,
      now: () => parts.clock.now(),
      goLive: (subscription) => this.#index.addAll(subscription.filterSet.filters, subscription),
      notePending: (reader) => this.#pending.push(reader),
    };
    this.sessions = new LastingSessions(parts.log, parts.sessions);
    const { groups, idempotency, queue } = parts.limits;
    const context = { ...this.#context, sessions: this.sessions };
    this.#groups = new Groups(context, groups, queue, this.#index);
    this.#keys = new IdempotencyKeys(idempotency, parts.clock, parts.keys);
    parts.log.attach(this);
  }

  /** Takes up what earlier processes left; once, when the store is open. */
  restore(): void {
    this.#keys.restore();
    this.sessions.restore();
  }

  get epoch(): string {
    return this.#log.epoch;
  }

  get lastOffset(): number {
    return this.#log.lastOffset;
  }

  get firstOffset(): number {
    return this.#log.firstOffset;
  }

  /** Subscriptions that are open, whatever their state. */
  get subscriptionCount(): number {
    return this.#subscriptions;
  }

  /** Pairs of filter and subscriber in the index, held polls included. */
  get indexSize(): number {
    return this.#index.size;
  }

  /** Publishers should not be read from; see {@link whenRelieved}. */
  get isCongested(): boolean {
    return this.#log.isCongested;
  }

  whenRelieved(callback: () => void): void {
    this.#log.whenRelieved(callback);
  }

  cursorAt(offset: number): Cursor {
    return formatCursor(this.#log.epoch, offset);
  }

  /** From here on every publish is refused with `draining`; readers go on. */
  refuseNewMessages(): void {
    this.#admission.isDraining = true;
  }

  /**
   * Takes a message in, or throws the refusal: `forbidden`, `too_large`, `limit_exceeded`,
   * `draining`, `store_unavailable`. The receipt is told when the message counts as accepted, which
   * may be before this returns; `null` when nobody waits to know.
   */
  accept(draft: MessageDraft, publisher: Identity, receipt: Receipt | null): void {
    const refusal = this.#admission.refusal(draft, publisher);
    if (refusal !== null) throw this.#refused(draft, refusal);
    try {
      this.#log.append(draft, receipt);
    } catch (thrown) {
      throw this.#refused(draft, toGatewayError(thrown));
    }
    this.#observer.accepted(draft.origin.transport, draft.qos);
  }

  /**
   * As {@link accept}, but a repetition of a request that was accepted is told its first offset and
   * publishes nothing. Throws besides: `idempotency_in_progress`, `idempotency_mismatch`,
   * `bad_request`. A refused request frees its key.
   */
  acceptOnce(
    draft: MessageDraft,
    publisher: Identity,
    key: IdempotencyKey,
    receipt: Receipt,
  ): void {
    const attempt = this.#beginOnce(draft, key, receipt);
    if (typeof attempt === "number") {
      receipt.accepted(attempt);
      return;
    }
    try {
      this.accept(draft, publisher, attempt);
    } catch (refusal) {
      attempt.abandon();
      throw refusal;
    }
  }

  /**
   * What each of these would be refused for if all were accepted in turn; `null` for nothing. A key
   * stands beside the draft it belongs to, `null` for none. Accepts nothing.
   */
  refusals(
    drafts: readonly MessageDraft[],
    keys: readonly (IdempotencyKey | null)[],
    publisher: Identity,
  ): readonly (GatewayError | null)[] {
    const ahead = new RetainedAhead();
    return drafts.map((draft, index) => {
      const key = keys[index] ?? null;
      const refusal =
        this.#admission.refusal(draft, publisher, ahead) ??
        (key === null ? null : this.#keys.refusal(key, draft));
      return refusal === null ? null : this.#refused(draft, refusal);
    });
  }

  /** Opens the reader of a session; it holds nothing until it subscribes. */
  openReader(options: ReaderOptions, host: ReaderHost): Reader {
    return new Reader(options, host, this.#context);
  }

  /**
   * Adds a subscription to a reader. The answer to the client (`subscribed`) must be written before
   * the reader is pulled. `recovered` is true when a cursor was given and nothing after it is
   * missing. Throws `forbidden`.
   */
  subscribe(
    reader: Reader,
    options: SubscriptionOptions,
    tag: unknown = null,
  ): { readonly subscription: Subscription; readonly recovered: boolean } {
    this.#admission.checkSubscribe(reader.identity, options.filters);
    const start = locateStart(this.#log, options.start);
    const epoch =
      start.gap !== null && options.start.from === "cursor" ? options.start.epoch : this.epoch;
    const after = { epoch, offset: start.after };
    const subscription = new Subscription(reader, options, tag, after, this.limits.queue);
    subscription.gap = start.gap;
    if (options.start.from === "now") {
      const found = options.retained ? this.#retained.under(options.filters) : [];
      // One list a reader at a time, however many of its subscriptions wait for their turn.
      const topics = reader.isCatchingUp ? null : found.map(({ topic }) => topic);
      if (found.length > 0) subscription.beginRetained(topics);
      else subscription.beginLive(this.#log.lastOffset);
    }
    if (options.start.from === "cursor") {
      this.#observer.recovered(
        reader.transport,
        start.gap === null ? "complete" : start.gap.reason,
      );
    }
    this.#subscriptions += 1;
    reader.attach(subscription);
    return { subscription, recovered: options.start.from === "cursor" && start.gap === null };
  }

  /** Ends a subscription; does nothing when it has been ended before. */
  unsubscribe(subscription: Subscription): void {
    const { state } = subscription;
    if (state.is === "ended" && state.reason === "unsubscribed") return;
    this.#index.removeAll(subscription.filterSet.filters, subscription);
    subscription.state = { is: "ended", reason: "unsubscribed" };
    subscription.reader.detach(subscription);
    this.#subscriptions -= 1;
  }

  /**
   * Offers every later message under the filters to something that is not a reader's subscription:
   * a held poll, an MQTT session. Returns what ends it.
   */
  watch(identity: Identity, filters: readonly TopicFilter[], watcher: Offerable): () => void {
    this.#admission.checkSubscribe(identity, filters);
    this.#index.addAll(filters, watcher);
    let isWatching = true;
    return () => {
      if (isWatching) this.#index.removeAll(filters, watcher);
      isWatching = false;
    };
  }

  /**
   * Adds a member to the group of this name and filter, which shares each message out to one member.
   * Throws `forbidden`, `limit_exceeded`.
   */
  joinGroup(name: string, filter: TopicFilter, member: GroupMember): GroupMembership {
    this.#admission.checkSubscribe(member.identity, [filter]);
    return this.#groups.join(name, filter, member);
  }

  get groupCount(): number {
    return this.#groups.count;
  }

  /** Where a start lies in the log now. Used by polls, which hold no subscription. */
  locate(start: Start): { readonly after: number; readonly gap: Gap | null } {
    return locateStart(this.#log, start);
  }

  /** Reads the log for a session without a subscription. `after` comes from {@link locate}. */
  read(
    identity: Identity,
    filters: readonly TopicFilter[],
    after: number,
    limits: PageLimits,
  ): BusPage {
    this.#admission.checkSubscribe(identity, filters);
    return readPage(this.#context, identity, filters, after, limits);
  }

  /** A message by its offset, while the log has it. */
  messageAt(offset: number): Message | undefined {
    return this.#log.at(offset);
  }

  /** The retained message of a topic, if the identity may have it. Throws `forbidden`. */
  retainedAt(identity: Identity, topic: Topic): Message | undefined {
    return permittedAt(this.#retained, this.#policy, identity, topic);
  }

  /** Retained messages under the filters that the identity may have, oldest first. */
  retainedUnder(identity: Identity, filters: readonly TopicFilter[]): readonly Message[] {
    this.#admission.checkSubscribe(identity, filters);
    return permittedUnder(this.#retained, this.#policy, identity, filters);
  }

  /** Whether access control is asked at all. */
  get hasPolicy(): boolean {
    return this.#policy !== null;
  }

  /** Whether the identity may hold a subscription with this filter. */
  maySubscribe(identity: Identity, filter: TopicFilter): boolean {
    return this.#policy === null || this.#policy.maySubscribe(identity, filter);
  }

  /**
   * Whether a message that was queued outside a reader may leave now, by access and expiry; counts
   * it as dropped when it may not.
   */
  mayDeliver(transport: TransportName, identity: Identity, message: Message): boolean {
    return isDeliverable(message, { transport, identity }, this.#context);
  }

  /** Counts messages that a queue outside a reader dropped by its policy. */
  noteDropped(transport: TransportName, reason: DropReason, count: number): void {
    this.#observer.dropped(transport, reason, count);
  }

  get retainedCount(): number {
    return this.#retained.count;
  }

  ordered(offset: number, draft: MessageDraft, acceptedAt: number): void {
    if (draft.retain) this.#retained.apply(offset, draft, acceptedAt);
    this.#keys.ordered(offset, draft);
    this.fanOut.begin(offset, draft, acceptedAt);
    this.#index.offer(draft.topic, offset, draft.payload.length);
    this.fanOut.end();
  }

  evicting(firstOffset: number): void {
    this.#pending = this.#pending.filter((reader) => reader.keepBelow(firstOffset));
    this.sessions.evicting(firstOffset);
  }

  evictingUnstored(firstOffset: number, isStored: (offset: number) => boolean): void {
    this.#pending = this.#pending.filter((reader) => reader.keepBelow(firstOffset, isStored));
    this.sessions.evictingUnstored(firstOffset, isStored);
  }

  #beginOnce(draft: MessageDraft, key: IdempotencyKey, receipt: Receipt): Attempt | number {
    try {
      return this.#keys.begin(key, draft, receipt);
    } catch (thrown) {
      throw this.#refused(draft, toGatewayError(thrown));
    }
  }

  #refused(draft: MessageDraft, refusal: GatewayError): GatewayError {
    this.#observer.refused(draft.origin.transport, refusal.code);
    return refusal;
  }
}
