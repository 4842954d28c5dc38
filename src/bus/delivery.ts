import type { Position } from "./cursor.ts";
import type { Message } from "./message.ts";
import type { Gap } from "./ports.ts";
import type { Reader } from "./reader.ts";
import type { Subscription, UntoldDrops } from "./subscription.ts";

/**
 * Where a reader's messages go: the transport's encoder. Calls come in the order in which the client
 * must see them. Those that return a number return the bytes they will write, which the reader
 * counts against the room it was given.
 */
export interface Delivery {
  /** A retained message of a subscription that started at `now`. Moves no position. */
  retained(subscription: Subscription, message: Message): number;
  /** A message from the log, for a subscription that is catching up. */
  recovered(subscription: Subscription, message: Message): number;
  /**
   * A live message, once for the whole reader. `reader.messageAt(offset)` has its content; an
   * encoder that shares its work between readers needs only the position.
   */
  live(offset: number, reader: Reader): number;
  /**
   * The subscription has caught up: all up to `offset` was delivered, what follows is live. Not called
   * for one that was live from the start, at `now` and without retained messages.
   */
  wentLive(subscription: Subscription, offset: number): void;
  /** Messages after `from`, which may be of an earlier epoch, are missing for this subscription. */
  gap(subscription: Subscription, from: Position, gap: Gap): void;
  /** The overflow policy dropped messages. Called when the reader is pulled. */
  dropped(subscription: Subscription, drops: Readonly<UntoldDrops>): void;
}
