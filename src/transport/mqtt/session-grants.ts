import type { Bus } from "../../bus/bus.ts";
import type { Reader } from "../../bus/reader.ts";
import type { Subscription } from "../../bus/subscription.ts";
import type { Offerable } from "../../bus/subscription-index.ts";
import type { TopicFilter } from "../../bus/topic.ts";
import { AcknowledgedFilters } from "./acknowledged-filters.ts";
import type { SubscriptionOptions, SubscriptionState } from "./session-state.ts";
import { isPlain, TopicMatches } from "./topic-matches.ts";

/** The session that is offered messages within the fan-out. */
export interface GrantHost {
  /** Called once for each filter that matches. */
  offered(offset: number, bytes: number, options: SubscriptionOptions): void;
}

/** A filter the session holds, and the options it was granted. */
class Grant implements Offerable {
  readonly options: SubscriptionOptions;
  /** Live and retained messages of QoS 0 while connected. */
  subscription: Subscription | null = null;
  /** Ends the queueing of QoS 1 and 2; `null` for a grant of QoS 0. */
  endWatch: (() => void) | null = null;
  readonly #host: GrantHost;

  constructor(host: GrantHost, options: SubscriptionOptions) {
    this.#host = host;
    this.options = options;
  }

  get qos() {
    return this.options.qos;
  }

  offer(offset: number, bytes: number): void {
    this.#host.offered(offset, bytes, this.options);
  }
}

/**
 * The filters of one session. What they match is queued from the moment they are added, connected or
 * not; what is delivered without acknowledgement is listened to while there is a reader.
 */
export class SessionGrants {
  readonly #bus: Bus;
  readonly #host: GrantHost;
  readonly #grants = new Map<TopicFilter, Grant>();
  /** Those granted QoS 1 or 2. */
  readonly acknowledged = new AcknowledgedFilters();
  #matches: TopicMatches | null = null;

  constructor(bus: Bus, host: GrantHost) {
    this.#bus = bus;
    this.#host = host;
  }

  get count(): number {
    return this.#grants.size;
  }

  /** `null` as long as no subscription has options beside its QoS. */
  get matches(): TopicMatches | null {
    return this.#matches;
  }

  has(filter: string): boolean {
    for (const each of this.#grants.keys()) if (each === filter) return true;
    return false;
  }

  optionsOf(filter: TopicFilter): SubscriptionOptions | undefined {
    return this.#grants.get(filter)?.options;
  }

  filters(): readonly TopicFilter[] {
    return [...this.#grants.keys()];
  }

  states(): readonly SubscriptionState[] {
    return [...this.#grants].map(([filter, { options }]) => ({ filter, ...options }));
  }

  /** Throws `forbidden`. The filter must not be held. */
  add(filter: TopicFilter, options: SubscriptionOptions, identity: Reader["identity"]): void {
    const grant = new Grant(this.#host, options);
    if (options.qos > 0) grant.endWatch = this.#bus.watch(identity, [filter], grant);
    this.#grants.set(filter, grant);
    this.#changed();
  }

  /** @param retained whether retained messages of QoS 0 are to come first. */
  listen(filter: TopicFilter, reader: Reader, retained: boolean): void {
    const grant = this.#grants.get(filter);
    if (grant === undefined) return;
    grant.subscription = this.#bus.subscribe(reader, {
      filters: [filter],
      start: { from: "now" },
      overflow: "disconnect",
      retained,
    }).subscription;
  }

  /** Nothing new comes of the filter; whether it was held. */
  remove(filter: TopicFilter): boolean {
    const grant = this.#grants.get(filter);
    if (grant === undefined) return false;
    this.#grants.delete(filter);
    this.#silence(grant);
    grant.endWatch?.();
    this.#changed();
    return true;
  }

  /** The connection is over: what needs no acknowledgement goes to nobody. */
  silenceAll(): void {
    for (const grant of this.#grants.values()) this.#silence(grant);
  }

  removeAll(): void {
    for (const grant of this.#grants.values()) {
      this.#silence(grant);
      grant.endWatch?.();
    }
    this.#grants.clear();
    this.#changed();
  }

  #changed(): void {
    this.acknowledged.update(this.#grants);
    const isMatched = [...this.#grants.values()].some(({ options }) => !isPlain(options));
    this.#matches = isMatched ? new TopicMatches(this.#grants) : null;
  }

  #silence(grant: Grant): void {
    if (grant.subscription !== null) this.#bus.unsubscribe(grant.subscription);
    grant.subscription = null;
  }
}
