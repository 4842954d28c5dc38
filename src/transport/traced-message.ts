import type { Message } from "../bus/message.ts";
import { type TracedMessage, wantsTrace } from "../wire/trace.ts";

/** Reads the time of this moment: milliseconds since the Unix epoch, fractional. */
export interface Stamper {
  readNow(): number;
}

/**
 * The message as it is to be encoded: stamped with the time if its publisher asked for that. All others
 * are returned as they are.
 */
export function withTrace(message: Message, stamper: Stamper): Message {
  if (!wantsTrace(message)) return message;
  const traced: TracedMessage = { ...message, encodedAt: stamper.readNow() };
  return traced;
}
