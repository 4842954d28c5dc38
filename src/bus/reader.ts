import { catchUp, UNREADABLE } from "./catch-up.ts";
import type { Delivery } from "./delivery.ts";
import { type KeptMessages, keepMessages } from "./kept-messages.ts";
import { expiresAt, type Message, type TransportName } from "./message.ts";
import type { QueuedMessages } from "./overflow.ts";
import type { AccessPolicy, BusObserver, DropReason, Identity, MessageLog } from "./ports.ts";
import type { RetainedMessages } from "./retained.ts";
import type { Subscription } from "./subscription.ts";
import type { Topic } from "./topic.ts";

/** The session behind a reader. */
export interface ReaderHost {
  /** There is something to pull. Called inside the fan-out: it may only take note. */
  wake(reader: Reader): void;
  /**
   * The reader is over: a queue under policy `disconnect` was full, or what comes next cannot be read.
   * Called inside the fan-out or a pull: it may only take note.
   * @param subscription whose queue it was.
   */
  overflowed(reader: Reader, subscription?: Subscription): void;
}

/** What a reader needs of the bus. */
export interface ReaderContext {
  readonly log: MessageLog;
  readonly retained: Pick<RetainedMessages, "at" | "under">;
  readonly policy: AccessPolicy | null;
  readonly observer: BusObserver;
  now(): number;
  /** Puts a subscription that has caught up into the index. */
  goLive(subscription: Subscription): void;
  /** Notes that the reader holds positions, so that the log's eviction can spare their messages. */
  notePending(reader: Reader): void;
}

/** Who a reader is. */
export interface ReaderOptions {
  readonly transport: TransportName;
  readonly identity: Identity;
}

/**
 * All subscriptions of one session, merged: a live message comes once, in bus order, however many
 * of its filters match. Nothing is pushed; the session pulls when its connection has room.
 */
export class Reader implements QueuedMessages {
  readonly transport: TransportName;
  readonly host: ReaderHost;
  identity: Identity;
  /** Live subscriptions with something queued. */
  readonly #active: Subscription[] = [];
  /** Subscriptions that read the log, in the order of their start. */
  readonly #catchingUp: Subscription[] = [];
  readonly #context: ReaderContext;
  /** Copies of queued messages that the log no longer has. */
  #detached: KeptMessages | null = null;
  #isAwake = false;
  #isPending = false;
  #hasUntoldDrops = false;
  #isOver = false;

  constructor(options: ReaderOptions, host: ReaderHost, context: ReaderContext) {
    this.transport = options.transport;
    this.identity = options.identity;
    this.host = host;
    this.#context = context;
  }

  /** Whether a pull would deliver something. */
  get isReady(): boolean {
    return !this.#isOver && (this.#active.length > 0 || this.#catchingUp.length > 0);
  }

  /**
   * A queue under policy `disconnect` was full, or what comes next cannot be read. Nothing more is delivered to this reader, on any
   * subscription: a later message would move the position past those that were given up.
   */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether a subscription has retained messages or the log still to deliver. */
  get isCatchingUp(): boolean {
    return this.#catchingUp.length > 0;
  }

  /**
   * The reader has everything up to this offset that it asked for; `null` while something is still
   * queued or being caught up, when what it was last delivered says more, and when it {@link isOver}.
   */
  get position(): number | null {
    return this.#isOver || this.isReady ? null : this.#context.log.lastOffset;
  }

  /** Whether an overflow policy dropped something the client was not told of. */
  get hasUntoldDrops(): boolean {
    return this.#hasUntoldDrops;
  }

  /** A message that is queued or in the log. */
  messageAt(offset: number): Message | undefined {
    return this.#detached?.get(offset) ?? this.#context.log.at(offset);
  }

  sizeAt(offset: number): number {
    const detached = this.#detached?.get(offset);
    return detached === undefined ? this.#context.log.sizeAt(offset) : detached.payload.length;
  }

  topicAt(offset: number): Topic | undefined {
    return this.#detached?.get(offset)?.topic ?? this.#context.log.topicAt(offset);
  }

  /**
   * Delivers what is ready until `room` bytes are written: first live messages, then, for each
   * subscription that is catching up, retained messages and the log. Returns the room used;
   * {@link isReady} tells whether more is left.
   */
  pull(delivery: Delivery, room: number): number {
    this.#isAwake = false;
    if (this.#isOver) return 0;
    let used = this.#pullLive(delivery, room);
    for (let i = 0; i < this.#catchingUp.length && used < room; ) {
      const subscription = this.#catchingUp[i];
      if (subscription === undefined) break;
      const found = catchUp(subscription, delivery, this.#context, room - used);
      if (found === UNREADABLE) {
        this.#giveUp();
        break;
      }
      used += found;
      if (subscription.state.is === "live") this.#catchingUp.splice(i, 1);
      else i += 1;
    }
    return used;
  }

  /** Hands the drops of every subscription given to the delivery, and forgets them. */
  tellDrops(subscriptions: Iterable<Subscription>, delivery: Delivery): void {
    this.#hasUntoldDrops = false;
    for (const subscription of subscriptions) {
      const drops = subscription.untold;
      if (drops === null) continue;
      subscription.untold = null;
      delivery.dropped(subscription, drops);
    }
  }

  /** Called by the bus with a new subscription. */
  attach(subscription: Subscription): void {
    if (subscription.state.is === "live") this.#context.goLive(subscription);
    else this.#catchingUp.push(subscription);
    if (this.isReady) this.#wake();
  }

  /** Called by the bus when a subscription is over: nothing more of it is delivered. */
  detach(subscription: Subscription): void {
    subscription.queue.clear();
    this.#deactivate(subscription);
    remove(this.#catchingUp, subscription);
    if (this.#active.length === 0) this.#detached = null;
  }

  /** Called by a subscription whose queue has become non-empty. */
  activate(subscription: Subscription): void {
    if (!subscription.isActive) {
      subscription.isActive = true;
      this.#active.push(subscription);
    }
    if (!this.#isPending) {
      this.#isPending = true;
      this.#context.notePending(this);
    }
    this.#wake();
  }

  /** Called by a subscription that ended under policy `disconnect`. */
  overflowed(subscription: Subscription, count: number): void {
    this.#isOver = true;
    this.#deactivate(subscription);
    this.#context.observer.dropped(this.transport, "slow_subscriber", count);
    this.host.overflowed(this, subscription);
  }

  /** Called by a subscription whose policy dropped a message. */
  dropped(offset: number, reason: DropReason): void {
    this.#hasUntoldDrops = true;
    // Another subscription may hold the same position; keepBelow forgets it when none does.
    if (this.#active.length === 1) this.#detached?.delete(offset);
    this.#context.observer.dropped(this.transport, reason, 1);
  }

  /**
   * Copies queued messages below `firstOffset`, which the log is about to drop: a stuck reader keeps
   * what its own bounded queue holds, however much others publish. What `isStored` names stays in the
   * log and is not copied. Returns whether it has any queued.
   */
  keepBelow(firstOffset: number, isStored: ((offset: number) => boolean) | null = null): boolean {
    this.#isPending = this.#active.length > 0;
    if (!this.#isPending) {
      this.#detached = null;
      return false;
    }
    const queues = this.#active.map((subscription) => subscription.queue.offsets());
    const { log } = this.#context;
    this.#detached = keepMessages(log, this.#detached, queues, firstOffset, isStored);
    return true;
  }

  #pullLive(delivery: Delivery, room: number): number {
    const only = this.#active.length === 1 ? this.#active[0] : undefined;
    if (only !== undefined && this.#detached === null && this.#context.policy === null) {
      return this.#pullOnly(only, delivery, room);
    }
    let used = 0;
    while (used < room) {
      const offset = this.#takeNext();
      if (offset === Number.POSITIVE_INFINITY) break;
      if (this.#isDeliverable(offset)) used += this.#deliverLive(offset, delivery);
      if (this.#isOver) break;
      this.#detached?.delete(offset);
    }
    return used;
  }

  /** The common case, a third cheaper: one queue, nothing to ask about access. */
  #pullOnly(only: Subscription, delivery: Delivery, room: number): number {
    const { queue } = only;
    const { log } = this.#context;
    let used = 0;
    while (used < room && queue.length > 0 && !this.#isOver) {
      const offset = queue.shift();
      const end = log.expiresAt(offset);
      if (end === Number.POSITIVE_INFINITY || this.#context.now() < end) {
        used += this.#deliverLive(offset, delivery);
      } else {
        this.#context.observer.dropped(this.transport, "expired", 1);
      }
    }
    if (queue.length === 0) this.#deactivate(only);
    return used;
  }

  /** Gives up at a message that cannot be read, rather than to move the position past it. */
  #deliverLive(offset: number, delivery: Delivery): number {
    const used = delivery.live(offset, this);
    // The topic costs no object, and is asked first: an MQTT session leaves out what its queue has.
    const isFound = used > 0 || this.topicAt(offset) !== undefined;
    if (!isFound && this.messageAt(offset) === undefined) this.#giveUp();
    return used;
  }

  /** What comes next cannot be read: the client comes back with its cursor, and misses nothing. */
  #giveUp(): void {
    this.#isOver = true;
    this.host.overflowed(this);
  }

  /** Takes the lowest offset queued, from every subscription that holds it. */
  #takeNext(): number {
    const active = this.#active;
    const only = active[0];
    if (only === undefined) return Number.POSITIVE_INFINITY;
    if (active.length === 1) {
      const offset = only.queue.shift();
      if (only.queue.length === 0) {
        active.pop();
        only.isActive = false;
      }
      return offset;
    }
    let lowest = Number.POSITIVE_INFINITY;
    for (const subscription of active) lowest = Math.min(lowest, subscription.queue.peek());
    for (let i = active.length - 1; i >= 0; i -= 1) {
      const subscription = active[i];
      if (subscription?.queue.peek() !== lowest) continue;
      subscription.queue.shift();
      if (subscription.queue.length > 0) continue;
      active.splice(i, 1);
      subscription.isActive = false;
    }
    return lowest;
  }

  /** Access and expiry are asked at the time of delivery, not only when the message was queued. */
  #isDeliverable(offset: number): boolean {
    const { policy, observer } = this.#context;
    if (policy !== null) {
      const topic = this.topicAt(offset);
      if (topic !== undefined && !policy.mayReceive(this.identity, topic)) {
        observer.dropped(this.transport, "forbidden", 1);
        return false;
      }
    }
    const end = this.#expiresAt(offset);
    if (end !== Number.POSITIVE_INFINITY && this.#context.now() >= end) {
      observer.dropped(this.transport, "expired", 1);
      return false;
    }
    return true;
  }

  #expiresAt(offset: number): number {
    const detached = this.#detached?.get(offset);
    return detached === undefined ? this.#context.log.expiresAt(offset) : expiresAt(detached);
  }

  #deactivate(subscription: Subscription): void {
    subscription.isActive = false;
    remove(this.#active, subscription);
  }

  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.host.wake(this);
  }
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
