import { Filters } from "../../bus/filter-set.ts";
import type { QoS } from "../../bus/message.ts";
import type { Reader } from "../../bus/reader.ts";
import type { Topic, TopicFilter } from "../../bus/topic.ts";

/** Shared: most sessions have none. */
const NONE = new Filters([]);

/**
 * The filters of one session that were granted QoS 1 or 2: messages published with such a QoS that
 * match one of them are on the session's queue, and must not be sent by its reader as well.
 */
export class AcknowledgedFilters {
  #set = NONE;
  /** No filter of the session is without acknowledgement. */
  #areAll = true;

  /** The session's grants have changed to these. */
  update(grants: ReadonlyMap<TopicFilter, { readonly qos: QoS }>): void {
    const filters = [...grants].filter(([, { qos }]) => qos > 0).map(([filter]) => filter);
    this.#set = filters.length === 0 ? NONE : new Filters(filters);
    this.#areAll = filters.length === grants.size;
  }

  matches(topic: Topic): boolean {
    return this.#set.matches(topic);
  }

  /** {@link matches} for a live message of the reader, whose topic is looked up only if need be. */
  matchesAt(offset: number, reader: Reader): boolean {
    if (this.#set.filters.length === 0) return false;
    if (this.#areAll) return true;
    const topic = reader.topicAt(offset);
    return topic !== undefined && this.#set.matches(topic);
  }
}
