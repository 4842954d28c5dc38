import { isExpired, type Message, type TransportName } from "./message.ts";
import type { Identity } from "./ports.ts";
import type { ReaderContext } from "./reader.ts";

/** Who is about to be given a message. */
export interface Receiver {
  readonly transport: TransportName;
  readonly identity: Identity;
}

/**
 * Whether a message may leave now, by access and expiry, which are asked at the time of delivery; one
 * that may not is counted as dropped.
 */
export function isDeliverable(
  message: Message,
  receiver: Receiver,
  context: Pick<ReaderContext, "policy" | "observer" | "now">,
): boolean {
  const { policy, observer } = context;
  if (policy !== null && !policy.mayReceive(receiver.identity, message.topic)) {
    observer.dropped(receiver.transport, "forbidden", 1);
    return false;
  }
  if (message.properties.expiry === undefined || !isExpired(message, context.now())) return true;
  observer.dropped(receiver.transport, "expired", 1);
  return false;
}
