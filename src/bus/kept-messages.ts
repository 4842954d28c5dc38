import { copyBytes, type Message } from "./message.ts";
import type { MessageLog } from "./ports.ts";

/** Copies of messages that somebody still holds and the log is about to drop, by offset. */
export type KeptMessages = Map<number, Message>;

/**
 * Copies of the messages that the lists name below `firstOffset`; those in `kept` are taken over, so
 * that each is copied once, and what no list names any more is forgotten. Lists hold rising offsets.
 * What `isStored` names stays readable in the log and is left there. `null` when there is nothing to
 * keep.
 */
export function keepMessages(
  log: MessageLog,
  kept: KeptMessages | null,
  lists: Iterable<Iterable<number>>,
  firstOffset: number,
  isStored: ((offset: number) => boolean) | null = null,
): KeptMessages | null {
  const found: KeptMessages = new Map();
  for (const list of lists) {
    for (const offset of list) {
      const isLeaving = offset < firstOffset;
      // A log whose memory drops messages before its disk does announces lower offsets later.
      if (!isLeaving && kept === null) break;
      if (found.has(offset)) continue;
      const held = kept?.get(offset);
      if (held === undefined && (!isLeaving || isStored?.(offset) === true)) continue;
      const message = held ?? copyOf(log, offset);
      if (message !== undefined) found.set(offset, message);
    }
  }
  return found.size > 0 ? found : null;
}

/** A copy of its own: a view would keep the log's whole block alive. */
function copyOf(log: MessageLog, offset: number): Message | undefined {
  const message = log.at(offset);
  return message === undefined ? undefined : { ...message, payload: copyBytes(message.payload) };
}
