import type { Reader } from "../bus/reader.ts";
import type { Subscription } from "../bus/subscription.ts";
import type { CommandDelivery } from "./command-session-delivery.ts";
import type { WriteBatch } from "./write-batch.ts";

/** Drops of a subscription are told at most this often. */
const TELL_DROPS_EVERY_MS = 1_000;

/** Tells a client what its overflow policies dropped, not more often than once a second. */
export class DropNotices {
  readonly #reader: Reader;
  readonly #delivery: CommandDelivery;
  #toldAt = 0;

  constructor(reader: Reader, delivery: CommandDelivery) {
    this.#reader = reader;
    this.#delivery = delivery;
  }

  /** Adds what there is to tell to the batch, if it is time. `now` in milliseconds. */
  tell(subscriptions: Iterable<Subscription>, batch: WriteBatch, now: number): void {
    if (now - this.#toldAt < TELL_DROPS_EVERY_MS) return;
    this.#toldAt = now;
    this.#delivery.tellDrops(this.#reader, subscriptions, batch);
  }
}
