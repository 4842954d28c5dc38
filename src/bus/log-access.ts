import { GatewayError } from "../errors.ts";
import type { BusPage } from "./bus-parts.ts";
import { Filters } from "./filter-set.ts";
import { isExpired, type Message } from "./message.ts";
import type { Gap, Identity, MessageLog, PageLimits } from "./ports.ts";
import type { ReaderContext } from "./reader.ts";
import type { Start } from "./subscription.ts";
import type { TopicFilter } from "./topic.ts";

/** Where a start lies in the log now; with a gap, `after` is what the cursor said. */
export function locateStart(
  log: MessageLog,
  start: Start,
): { readonly after: number; readonly gap: Gap | null } {
  if (start.from === "now") return { after: log.lastOffset, gap: null };
  if (start.from === "earliest") return { after: log.firstOffset - 1, gap: null };
  const found = log.locate(start);
  if ("after" in found) return { after: found.after, gap: null };
  return { after: start.offset, gap: found.gap };
}

/** One step of the log for somebody without a subscription: what has expired or is denied left out. */
export function readPage(
  context: Pick<ReaderContext, "log" | "policy" | "now">,
  identity: Identity,
  filters: readonly TopicFilter[],
  after: number,
  limits: PageLimits,
): BusPage {
  const { log, policy } = context;
  const page = log.read(new Filters(filters), after, limits);
  if (page.isUnreadable === true) throw unreadable();
  const now = context.now();
  const messages: Message[] = [];
  for (const offset of page.offsets) {
    const message = log.at(offset);
    if (message === undefined) {
      if (log.isUnreadable === true && messages.length === 0) throw unreadable();
      return cutBefore(offset, messages);
    }
    if (isExpired(message, now)) continue;
    if (policy !== null && !policy.mayReceive(identity, message.topic)) continue;
    messages.push(message);
  }
  const isUpToDate = page.gap === null && page.through >= log.lastOffset;
  return { messages, through: page.through, isUpToDate, gap: page.gap };
}

/** A page that ends before a message the log cannot read; the message itself is a gap. */
function cutBefore(offset: number, messages: readonly Message[]): BusPage {
  const gap: Gap | null = messages.length > 0 ? null : { reason: "store", earliest: offset + 1 };
  return { messages, through: offset - 1, isUpToDate: false, gap };
}

function unreadable(): GatewayError {
  return new GatewayError("store_unavailable", "the message log cannot be read for the moment");
}
