import type { FilterSet } from "./ports.ts";
import { isExact, matches, type Topic, type TopicFilter } from "./topic.ts";

const NO_NAMES: ReadonlySet<string> = new Set();
const NO_FILTERS: readonly TopicFilter[] = Object.freeze([]);

/**
 * The filters of one reader: exact ones in a set, so that many of them cost one look-up a topic. One
 * alone, as most subscriptions have, needs no set: ten thousand of those would be 2 MiB.
 */
export class Filters implements FilterSet {
  readonly filters: readonly TopicFilter[];
  readonly #only: TopicFilter | null;
  readonly #exact: ReadonlySet<string>;
  readonly #wildcards: readonly TopicFilter[];

  constructor(filters: readonly TopicFilter[]) {
    const [first] = filters;
    if (first !== undefined && filters.length === 1) {
      this.filters = [first];
      this.#only = isExact(first) ? first : null;
      this.#exact = NO_NAMES;
      this.#wildcards = this.#only === null ? this.filters : NO_FILTERS;
      return;
    }
    this.filters = [...new Set(filters)];
    this.#only = null;
    this.#exact = new Set<string>(this.filters.filter(isExact));
    this.#wildcards = this.filters.filter((filter) => !isExact(filter));
  }

  matches(topic: Topic): boolean {
    if (isSame(this.#only, topic) || this.#exact.has(topic)) return true;
    for (const filter of this.#wildcards) if (matches(filter, topic)) return true;
    return false;
  }
}

function isSame(filter: string | null, topic: string): boolean {
  return filter === topic;
}
