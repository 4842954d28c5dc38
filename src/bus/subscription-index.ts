import { isExact, isReserved, type Topic, type TopicFilter } from "./topic.ts";

/** Whatever wants the messages of a filter: a live subscription, a group, a held poll, a session. */
export interface Offerable {
  /**
   * Takes the position of a message, or applies its overflow policy. Called inside the fan-out: it
   * must not throw, block, or add to or remove from the index.
   */
  offer(offset: number, bytes: number, topic: Topic): void;
}

/** Subscribers of one filter. The list itself is remembered, so that it is always up to date. */
type Subscribers = Offerable[];

interface Node {
  /** Subscribers of the filter that ends here. */
  here: Subscribers | null;
  /** Subscribers of this filter followed by `/#`. */
  below: Subscribers | null;
  /** Created with the first child: a Map in every node costs 1.6 KiB a unique filter. */
  children: Map<string, Node> | null;
}

interface CachedMatch {
  exact: Subscribers | null;
  /** One list for each matching filter with a wildcard. */
  wildcard: readonly Subscribers[];
  generation: number;
}

const NONE: readonly Subscribers[] = Object.freeze([]);

/**
 * Topics whose matches are remembered. Walking the trie costs 0.3–3 µs, remembering costs about
 * 150 B; 16,384 topics are 2.5 MiB. At the bound the memory starts afresh.
 */
const MAX_CACHED_TOPICS = 16_384;

/** Lists remembered for all topics together: many filters may match each topic. 8 MiB of references. */
const MAX_CACHED_LISTS = 1_048_576;

/**
 * Who wants which topic. What is remembered for a topic is the lists of the filters that match it,
 * not their subscribers: it stays valid while subscribers of known filters come and go, and ten
 * thousand of them under `#` cost one reference a topic.
 */
export class SubscriptionIndex {
  readonly #exact = new Map<string, Subscribers>();
  readonly #root: Node = { here: null, below: null, children: null };
  readonly #cache = new Map<string, CachedMatch>();
  #cachedLists = 0;
  /** Changes when a filter with a wildcard gets its first subscriber or loses its last. */
  #generation = 0;
  #size = 0;

  /** Pairs of filter and subscriber held. */
  get size(): number {
    return this.#size;
  }

  add(filter: TopicFilter, subscriber: Offerable): void {
    this.#size += 1;
    if (!isExact(filter)) {
      const list = this.#wildcardList(filter);
      if (list.length === 0) this.#generation += 1;
      list.push(subscriber);
      return;
    }
    const list = this.#exact.get(filter);
    if (list !== undefined) {
      list.push(subscriber);
      return;
    }
    const created = [subscriber];
    this.#exact.set(filter, created);
    const cached = this.#cache.get(filter);
    if (cached !== undefined) cached.exact = created;
  }

  addAll(filters: readonly TopicFilter[], subscriber: Offerable): void {
    for (const filter of filters) this.add(filter, subscriber);
  }

  removeAll(filters: readonly TopicFilter[], subscriber: Offerable): void {
    for (const filter of filters) this.remove(filter, subscriber);
  }

  /** Removes one pair; does nothing for a pair that is not there. */
  remove(filter: TopicFilter, subscriber: Offerable): void {
    if (isExact(filter)) {
      const list = this.#exact.get(filter);
      if (list === undefined || !takeOut(list, subscriber)) return;
      this.#size -= 1;
      if (list.length > 0) return;
      this.#exact.delete(filter);
      const cached = this.#cache.get(filter);
      if (cached !== undefined) cached.exact = null;
      return;
    }
    const left = removeFrom(this.#root, filter.split("/"), 0, subscriber);
    if (left === NOT_FOUND) return;
    this.#size -= 1;
    if (left === 0) this.#generation += 1;
  }

  /** Offers a message to everyone whose filter matches; a subscriber may be offered it twice. */
  offer(topic: Topic, offset: number, bytes: number): void {
    const match = this.#match(topic);
    const { exact, wildcard } = match;
    if (exact !== null) {
      for (let i = 0; i < exact.length; i += 1) exact[i]?.offer(offset, bytes, topic);
    }
    for (let i = 0; i < wildcard.length; i += 1) {
      const list = wildcard[i];
      if (list === undefined) continue;
      for (let j = 0; j < list.length; j += 1) list[j]?.offer(offset, bytes, topic);
    }
  }

  /** Everyone whose filter matches, once each. */
  subscribers(topic: Topic): ReadonlySet<Offerable> {
    const { exact, wildcard } = this.#match(topic);
    return new Set([...(exact ?? []), ...wildcard.flat()]);
  }

  #match(topic: Topic): CachedMatch {
    const cached = this.#cache.get(topic);
    if (cached === undefined) return this.#remember(topic);
    if (cached.generation === this.#generation) return cached;
    this.#cachedLists -= cached.wildcard.length;
    cached.wildcard = this.#walk(topic);
    cached.generation = this.#generation;
    this.#cachedLists += cached.wildcard.length;
    this.#forgetIfFull();
    return cached;
  }

  #remember(topic: Topic): CachedMatch {
    this.#forgetIfFull();
    const created: CachedMatch = {
      exact: this.#exact.get(topic) ?? null,
      wildcard: this.#walk(topic),
      generation: this.#generation,
    };
    this.#cachedLists += created.wildcard.length;
    this.#cache.set(topic, created);
    return created;
  }

  #forgetIfFull(): void {
    if (this.#cache.size < MAX_CACHED_TOPICS && this.#cachedLists < MAX_CACHED_LISTS) return;
    this.#cache.clear();
    this.#cachedLists = 0;
  }

  #walk(topic: Topic): readonly Subscribers[] {
    if (this.#root.children === null && this.#root.below === null) return NONE;
    const found: Subscribers[] = [];
    collect(this.#root, topic.split("/"), 0, isReserved(topic), found);
    return found.length === 0 ? NONE : found;
  }

  #wildcardList(filter: TopicFilter): Subscribers {
    let node = this.#root;
    for (const level of filter.split("/")) {
      if (level === "#") {
        node.below ??= [];
        return node.below;
      }
      node.children ??= new Map();
      let child = node.children.get(level);
      if (child === undefined) {
        child = { here: null, below: null, children: null };
        node.children.set(level, child);
      }
      node = child;
    }
    node.here ??= [];
    return node.here;
  }
}

function collect(
  node: Node,
  levels: readonly string[],
  depth: number,
  isReservedTopic: boolean,
  found: Subscribers[],
): void {
  const wildcardsApply = depth > 0 || !isReservedTopic;
  if (node.below !== null && wildcardsApply) found.push(node.below);
  const level = levels[depth];
  if (level === undefined) {
    if (node.here !== null) found.push(node.here);
    return;
  }
  if (node.children === null) return;
  const child = node.children.get(level);
  // A topic's level is never "+", so this child is a literal one.
  if (child !== undefined) collect(child, levels, depth + 1, isReservedTopic, found);
  const any = wildcardsApply ? node.children.get("+") : undefined;
  if (any !== undefined) collect(any, levels, depth + 1, isReservedTopic, found);
}

const NOT_FOUND = -1;

/** Returns how many subscribers the filter has left, or {@link NOT_FOUND}. */
function removeFrom(
  node: Node,
  levels: readonly string[],
  depth: number,
  subscriber: Offerable,
): number {
  const level = levels[depth];
  if (level === undefined) {
    if (node.here === null || !takeOut(node.here, subscriber)) return NOT_FOUND;
    const left = node.here.length;
    if (left === 0) node.here = null;
    return left;
  }
  if (level === "#") {
    if (node.below === null || !takeOut(node.below, subscriber)) return NOT_FOUND;
    const left = node.below.length;
    if (left === 0) node.below = null;
    return left;
  }
  const child = node.children?.get(level);
  if (child === undefined) return NOT_FOUND;
  const left = removeFrom(child, levels, depth + 1, subscriber);
  if (child.here === null && child.below === null && child.children === null) {
    node.children?.delete(level);
    if (node.children?.size === 0) node.children = null;
  }
  return left;
}

/** Order among subscribers of a filter means nothing, so the last takes the free place. */
function takeOut(list: Offerable[], subscriber: Offerable): boolean {
  const index = list.indexOf(subscriber);
  if (index < 0) return false;
  const last = list.pop();
  if (last !== undefined && index < list.length) list[index] = last;
  return true;
}
