import { GatewayError } from "../errors.ts";
import type { Message } from "./message.ts";
import type { AccessPolicy, Identity } from "./ports.ts";
import type { RetainedMessages } from "./retained.ts";
import type { Topic, TopicFilter } from "./topic.ts";

/** The retained message of a topic, if the identity may have it. Throws `forbidden`. */
export function permittedAt(
  retained: RetainedMessages,
  policy: AccessPolicy | null,
  identity: Identity,
  topic: Topic,
): Message | undefined {
  if (policy !== null && !policy.mayReceive(identity, topic)) {
    throw new GatewayError("forbidden", `access control denies reading topic "${topic}"`);
  }
  return retained.at(topic);
}

/** Retained messages under the filters that the identity may have, oldest first. */
export function permittedUnder(
  retained: RetainedMessages,
  policy: AccessPolicy | null,
  identity: Identity,
  filters: readonly TopicFilter[],
): readonly Message[] {
  const found = retained.under(filters);
  if (policy === null) return found;
  return found.filter((message) => policy.mayReceive(identity, message.topic));
}
