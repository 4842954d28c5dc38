import { isDeliverable } from "./deliverable.ts";
import type { Delivery } from "./delivery.ts";
import type { Message } from "./message.ts";
import type { LogPage, PageLimits } from "./ports.ts";
import type { ReaderContext } from "./reader.ts";
import type { Subscription } from "./subscription.ts";
import type { Topic } from "./topic.ts";

/**
 * Messages read from the log in one step. Small, because the index is asked again at each step and
 * the reader may have room for less; large enough that the step's own cost disappears.
 */
const PAGE_MESSAGES = 256;

/**
 * What a message that is denied or has expired takes of the room: looking at one costs about a
 * tenth of writing one of 300 bytes. A reader who may have nothing of a long log must not hold up
 * the others while it is gone through.
 */
export const SKIPPED_BYTES = 32;

/** What a page that ends without a match takes of the room: about a millisecond was spent on it. */
const EMPTY_PAGE_BYTES = 4_096;

/** Instead of the room used: nothing was delivered, as the log cannot be read for the moment. */
export const UNREADABLE = -1;

/**
 * Moves one subscription on through its retained snapshot and the log, by at most about `room` bytes
 * (one message more at the end). When the log has nothing left it becomes live in the same step, so
 * that no message can fall between. Returns the room used, or {@link UNREADABLE}.
 */
export function catchUp(
  subscription: Subscription,
  delivery: Delivery,
  context: ReaderContext,
  room: number,
): number {
  let used = deliverRetained(subscription, delivery, context, room);
  while (used < room && subscription.state.is === "catching-up") {
    tellGap(subscription, delivery, context);
    const limits: PageLimits = { maxMessages: PAGE_MESSAGES, maxBytes: room - used };
    const page = context.log.read(subscription.filterSet, subscription.after, limits);
    if (page.isUnreadable === true) return used > 0 ? used : UNREADABLE;
    if (page.gap !== null) {
      subscription.gap = page.gap;
      continue;
    }
    const delivered = deliverPage(subscription, delivery, context, page);
    if (delivered === UNREADABLE) return used > 0 ? used : UNREADABLE;
    used += delivered;
    if (subscription.after < context.log.lastOffset) continue;
    subscription.beginLive(subscription.after);
    context.goLive(subscription);
    delivery.wentLive(subscription, subscription.after);
  }
  return used;
}

/** Moves on to the end of the page, or to a message the log cannot read, which is a gap. */
function deliverPage(
  subscription: Subscription,
  delivery: Delivery,
  context: ReaderContext,
  page: LogPage,
): number {
  // A search that was cut off without a match: the others have their turn, too.
  const isCutOff = page.offsets.length === 0 && page.through < context.log.lastOffset;
  let used = isCutOff ? EMPTY_PAGE_BYTES : 0;
  for (const offset of page.offsets) {
    const message = context.log.at(offset);
    if (message === undefined) {
      subscription.after = offset - 1;
      if (context.log.isUnreadable === true) return used > 0 ? used : UNREADABLE;
      subscription.gap = { reason: "store", earliest: offset + 1 };
      return used;
    }
    const isDue = isDeliverable(message, subscription.reader, context);
    used += isDue ? delivery.recovered(subscription, message) : SKIPPED_BYTES;
  }
  subscription.after = page.through;
  return used;
}

function deliverRetained(
  subscription: Subscription,
  delivery: Delivery,
  context: ReaderContext,
  room: number,
): number {
  const { state } = subscription;
  if (state.is !== "retained") return 0;
  const { retained } = context;
  const topics = state.snapshot ?? retained.under(subscription.filterSet.filters).map(topicOf);
  state.snapshot = topics;
  let used = 0;
  while (used < room && state.next < topics.length) {
    const topic = topics[state.next];
    state.next += 1;
    const message = topic === undefined ? undefined : retained.at(topic);
    // One that is newer than the start is in the log, where the subscription goes on.
    if (message === undefined || message.offset > subscription.after) continue;
    const isDue = isDeliverable(message, subscription.reader, context);
    used += isDue ? delivery.retained(subscription, message) : SKIPPED_BYTES;
  }
  if (state.next === topics.length) subscription.beginCatchingUp();
  return used;
}

function topicOf({ topic }: Message): Topic {
  return topic;
}

function tellGap(subscription: Subscription, delivery: Delivery, context: ReaderContext): void {
  const gap = subscription.gap;
  if (gap === null) return;
  subscription.gap = null;
  delivery.gap(subscription, { epoch: subscription.epoch, offset: subscription.after }, gap);
  subscription.epoch = context.log.epoch;
  subscription.after = gap.earliest - 1;
}
