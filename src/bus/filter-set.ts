import type { FilterSet } from "./ports.ts";
import { isExact, matches, type Topic, type TopicFilter } from "./topic.ts";

/** The filters of one reader: exact ones in a set, so that many of them cost one look-up a topic. */
export class Filters implements FilterSet {
  readonly filters: readonly TopicFilter[];
  readonly #exact: ReadonlySet<string>;
  readonly #wildcards: readonly TopicFilter[];

  constructor(filters: readonly TopicFilter[]) {
    this.filters = [...new Set(filters)];
    this.#exact = new Set<string>(this.filters.filter(isExact));
    this.#wildcards = this.filters.filter((filter) => !isExact(filter));
  }

  matches(topic: Topic): boolean {
    if (this.#exact.has(topic)) return true;
    for (const filter of this.#wildcards) if (matches(filter, topic)) return true;
    return false;
  }
}
