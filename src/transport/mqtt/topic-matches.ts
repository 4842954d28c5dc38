import type { QoS } from "../../bus/message.ts";
import { matches, type Topic, type TopicFilter } from "../../bus/topic.ts";
import type { SubscriptionOptions } from "./session-state.ts";

/** What the subscriptions of a session make of a topic together. */
export interface TopicMatch {
  /** The highest that was granted. */
  readonly qos: QoS;
  /** RETAIN is passed on as it was published. */
  readonly retainAsPublished: boolean;
  /** Of all that match and have one [MQTT-3.3.4-3]. */
  readonly ids: readonly number[];
}

/** Topics remembered a session, about 200 bytes each; at the bound the memory starts afresh. */
const REMEMBERED = 256;

/** A session's grants by filter. */
type Grants = ReadonlyMap<TopicFilter, { readonly options: SubscriptionOptions }>;

/**
 * How each topic is to be delivered to a session whose subscriptions have options that only MQTT 5
 * knows: identifiers, no local, retain as published. Others never ask.
 */
export class TopicMatches {
  readonly #grants: Grants;
  readonly #known = new Map<Topic, TopicMatch | null>();
  /** The same for what the session's own client publishes. */
  readonly #knownOwn = new Map<Topic, TopicMatch | null>();

  constructor(grants: Grants) {
    this.#grants = grants;
  }

  /** `null` when no subscription wants it, as when all that match want nothing of the client's own. */
  of(topic: Topic, isOwn: boolean): TopicMatch | null {
    const known = isOwn ? this.#knownOwn : this.#known;
    let match = known.get(topic);
    if (match !== undefined) return match;
    match = this.#match(topic, isOwn);
    if (known.size >= REMEMBERED) known.clear();
    known.set(topic, match);
    return match;
  }

  #match(topic: Topic, isOwn: boolean): TopicMatch | null {
    let qos: QoS = 0;
    let retainAsPublished = false;
    let count = 0;
    const ids: number[] = [];
    for (const [filter, { options }] of this.#grants) {
      if ((isOwn && options.noLocal) || !matches(filter, topic)) continue;
      count += 1;
      if (options.qos > qos) qos = options.qos;
      if (options.retainAsPublished) retainAsPublished = true;
      if (options.id > 0) ids.push(options.id);
    }
    return count === 0 ? null : { qos, retainAsPublished, ids };
  }
}

/** Whether the options say more than a QoS. */
export function isPlain({ noLocal, retainAsPublished, id }: SubscriptionOptions): boolean {
  return !noLocal && !retainAsPublished && id === 0;
}
