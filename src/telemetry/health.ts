/** One thing that keeps the gateway from being ready. */
export interface UnreadyReason {
  /** Which part says so, such as `store` or `drain`. */
  readonly name: string;
  /** One sentence for the operator. */
  readonly text: string;
}

/**
 * Whether the gateway should be sent traffic, and if not, why. It is live as long as it answers at
 * all, so there is no state for that: who can read this is talking to a live process.
 */
export class Health {
  readonly #reasons = new Map<string, string>();

  /** States why the named part is not ready; `null` takes it back. */
  setReason(name: string, text: string | null): void {
    if (text === null) this.#reasons.delete(name);
    else this.#reasons.set(name, text);
  }

  /** Nothing stands in the way. */
  get isReady(): boolean {
    return this.#reasons.size === 0;
  }

  /** What stands in the way, in the order in which it was first stated. */
  get reasons(): readonly UnreadyReason[] {
    return [...this.#reasons].map(([name, text]) => ({ name, text }));
  }
}
