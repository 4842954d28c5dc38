import type { Bus } from "../bus/bus.ts";
import { formatCursor, type Position } from "../bus/cursor.ts";
import type { Delivery } from "../bus/delivery.ts";
import type { Message } from "../bus/message.ts";
import type { Gap } from "../bus/ports.ts";
import type { Reader } from "../bus/reader.ts";
import type { Subscription, UntoldDrops } from "../bus/subscription.ts";
import type { CommandForm, SubscriptionName } from "./command-session-form.ts";
import { EncodedTail } from "./encoded-tail.ts";
import { LiveMessages } from "./live-messages.ts";
import { withTrace } from "./traced-message.ts";
import type { TransportObserver } from "./transport.ts";
import type { WriteBatch } from "./write-batch.ts";

/** Large pieces stay referenced until they are written, so the encoder's buffer cannot be lent. */
const LENT_BELOW_BYTES = 4_096;

/**
 * Writes what readers pull in one wire form. One instance serves every connection of that form in
 * turn: between two fills it holds nothing of any of them.
 */
export class CommandDelivery implements Delivery {
  readonly #form: CommandForm;
  readonly #bus: Bus;
  readonly #observer: TransportObserver;
  readonly #tail: EncodedTail;
  readonly #messages = new LiveMessages();
  #batch: WriteBatch | null = null;
  #lastLive = 0;

  constructor(form: CommandForm, bus: Bus, observer: TransportObserver) {
    this.#form = form;
    this.#bus = bus;
    this.#observer = observer;
    this.#tail = new EncodedTail((message) => {
      this.#messages.remember(message);
      return form.live(withTrace(message, observer), bus.epoch);
    });
  }

  /** The newest live message of the last {@link fill}; 0 when there was none. */
  get lastLive(): number {
    return this.#lastLive;
  }

  /** Pulls what is ready into the batch, up to about `room` bytes. Returns whether more is left. */
  fill(reader: Reader, batch: WriteBatch, room: number): boolean {
    this.#batch = batch;
    this.#lastLive = 0;
    try {
      reader.pull(this, room);
    } finally {
      this.#batch = null;
      this.#messages.report(this.#observer, this.#form.egress);
    }
    return reader.isReady;
  }

  /** Tells every drop of these subscriptions that was not told yet. */
  tellDrops(reader: Reader, subscriptions: Iterable<Subscription>, batch: WriteBatch): void {
    this.#batch = batch;
    try {
      reader.tellDrops(subscriptions, this);
    } finally {
      this.#batch = null;
    }
  }

  live(offset: number, reader: Reader): number {
    const batch = this.#batch;
    if (batch === null) return 0;
    const bytes = this.#tail.addTo(batch, offset, reader);
    if (bytes === 0) return 0;
    this.#lastLive = offset;
    this.#messages.note(offset, reader, this.#observer, this.#form.egress);
    return bytes;
  }

  retained(subscription: Subscription, message: Message): number {
    return this.#addOne(subscription, message, true);
  }

  recovered(subscription: Subscription, message: Message): number {
    return this.#addOne(subscription, message, false);
  }

  wentLive(subscription: Subscription, offset: number): void {
    const { id } = nameOf(subscription);
    this.#add(this.#form.frame({ type: "live", id, cursor: this.#bus.cursorAt(offset) }));
  }

  gap(subscription: Subscription, from: Position, gap: Gap): void {
    this.#add(
      this.#form.frame({
        type: "gap",
        filter: nameOf(subscription).filter,
        from: formatCursor(from.epoch, from.offset),
        earliest: this.#bus.cursorAt(gap.earliest - 1),
        reason: gap.reason,
      }),
    );
  }

  dropped(subscription: Subscription, drops: Readonly<UntoldDrops>): void {
    this.#add(
      this.#form.frame({
        type: "dropped",
        filter: nameOf(subscription).filter,
        count: drops.count,
        first: drops.first,
        last: drops.last,
        reason: drops.reason,
      }),
    );
  }

  #addOne(subscription: Subscription, message: Message, isRetained: boolean): number {
    const { id } = nameOf(subscription);
    const as = isRetained ? "retained" : "recovered";
    const encoded = withTrace(message, this.#observer);
    const bytes = this.#form.addressed(encoded, this.#bus.epoch, { subscription: id, as });
    this.#add(bytes.length < LENT_BELOW_BYTES ? bytes : new Uint8Array(bytes));
    this.#observer.deliveredLate(message.origin.transport, this.#form.egress, message.qos);
    return bytes.length;
  }

  #add(bytes: Uint8Array): void {
    this.#batch?.add(bytes);
  }
}

/** What the client calls a subscription; the command session gives every subscription this tag. */
function nameOf(subscription: Subscription): SubscriptionName {
  return subscription.tag as SubscriptionName;
}
