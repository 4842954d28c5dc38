import type { Bus } from "../bus/bus.ts";
import { formatCursor } from "../bus/cursor.ts";
import type { Reader } from "../bus/reader.ts";
import type { Subscription } from "../bus/subscription.ts";
import { GatewayError } from "../errors.ts";
import type { SubscribeCommand, UnsubscribeCommand } from "../wire/command.ts";
import type { ControlFrame } from "../wire/frame.ts";
import type { SubscriptionName } from "./command-session-form.ts";

/** The subscriptions of one session, by filter: a filter is held once. */
export class CommandSubscriptions {
  readonly #bus: Bus;
  readonly #reader: Reader;
  readonly #limit: number;
  readonly #answer: (frame: ControlFrame) => void;
  /** Created with the first: most publishers never subscribe. */
  #byFilter: Map<string, Subscription> | null = null;

  constructor(bus: Bus, reader: Reader, limit: number, answer: (frame: ControlFrame) => void) {
    this.#bus = bus;
    this.#reader = reader;
    this.#limit = limit;
    this.#answer = answer;
  }

  get isEmpty(): boolean {
    return this.#byFilter === null || this.#byFilter.size === 0;
  }

  /** Every open subscription. */
  all(): Iterable<Subscription> {
    return this.#byFilter?.values() ?? [];
  }

  /** Throws `limit_exceeded` or `forbidden`; a subscription that is to be replaced then stays. */
  subscribe(command: SubscribeCommand): void {
    const { id, filter } = command;
    this.#byFilter ??= new Map();
    const replaced = this.#byFilter.get(filter);
    if (replaced === undefined && this.#byFilter.size >= this.#limit) {
      throw new GatewayError(
        "limit_exceeded",
        `the session holds ${this.#limit} subscriptions, which is the limit`,
      );
    }
    const name: SubscriptionName = { id, filter };
    const { subscription, recovered } = this.#bus.subscribe(
      this.#reader,
      {
        filters: [filter],
        start: command.start,
        overflow: command.overflow,
        retained: command.retained,
      },
      name,
    );
    // Only now: had the bus refused, the subscription before would go on as it was.
    if (replaced !== undefined) this.#bus.unsubscribe(replaced);
    this.#byFilter.set(filter, subscription);
    this.#answer({
      type: "subscribed",
      id,
      filter,
      cursor: formatCursor(subscription.epoch, subscription.after),
      delivery: command.start.from === "now" ? "at-most-once" : "at-least-once",
      recovered,
    });
    // A start at now with nothing retained is live at once, and the reader will not say so.
    if (subscription.state.is !== "live") return;
    this.#answer({ type: "live", id, cursor: this.#bus.cursorAt(subscription.after) });
  }

  unsubscribe(command: UnsubscribeCommand): void {
    const { id, filter } = command;
    const subscription = this.#byFilter?.get(filter);
    if (subscription !== undefined) {
      this.#byFilter?.delete(filter);
      this.#bus.unsubscribe(subscription);
    }
    this.#answer({ type: "unsubscribed", id, filter });
  }

  /** Ends every subscription. */
  close(): void {
    for (const subscription of this.all()) this.#bus.unsubscribe(subscription);
    this.#byFilter = null;
  }
}
