/**
 * A bounded cache that forgets what was not asked for lately. Two generations instead of a list of
 * uses: a hit in the younger one, the common case, costs one look-up and moves nothing.
 */
export class RecentMap<K, V> {
  readonly #maxWeight: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  #weight = 0;

  /** @param maxWeight of one generation; two are kept. */
  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  /** @param weight what it is charged with when it moves to the younger generation, as in {@link set}. */
  get(key: K, weight: number | ((value: V) => number) = 1): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old, typeof weight === "number" ? weight : weight(old));
    return old;
  }

  set(key: K, value: V, weight = 1): void {
    if (this.#weight + weight > this.#maxWeight) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(key, value);
    this.#weight += weight;
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  has(key: K): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#weight = 0;
  }
}
