import type { Bus } from "../../bus/bus.ts";
import { Filters } from "../../bus/filter-set.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";
import { FLAG, STATE } from "./outgoing-ring.ts";
import type { ShareState } from "./session-state.ts";
import { SharedSubscription, type SharingSession } from "./shared-subscription.ts";

/** The shares in groups that one session has, by the whole text of their subscription. */
export class SessionShares {
  readonly #bus: Bus;
  readonly #session: SharingSession;
  readonly #queue: OutgoingQueue;
  /** `null` until there is one: most sessions have none. */
  #shares: Map<string, SharedSubscription> | null = null;

  constructor(bus: Bus, session: SharingSession, queue: OutgoingQueue) {
    this.#bus = bus;
    this.#session = session;
    this.#queue = queue;
  }

  get count(): number {
    return this.#shares?.size ?? 0;
  }

  has(name: string): boolean {
    return this.#shares?.has(name) ?? false;
  }

  states(): readonly ShareState[] {
    return [...(this.#shares?.values() ?? [])].map(({ state }) => state);
  }

  /** Joins, again if need be. Throws `forbidden` or `limit_exceeded`. */
  join(state: ShareState): void {
    this.leave(state.name);
    this.#shares ??= new Map();
    this.#shares.set(state.name, new SharedSubscription(this.#bus, state, this.#session));
  }

  /** Whether there was such a share. */
  leave(name: string): boolean {
    const share = this.#shares?.get(name);
    if (share === undefined) return false;
    this.#shares?.delete(name);
    share.leave(this.#queue);
    return true;
  }

  /** There may be room for more. */
  ready(): void {
    for (const share of this.#shares?.values() ?? []) share.ready();
  }

  end(): void {
    for (const share of this.#shares?.values() ?? []) share.end(this.#queue);
    this.#shares = null;
  }

  suspend(): void {
    for (const share of this.#shares?.values() ?? []) share.suspend();
    this.#shares = null;
  }

  /**
   * Joins a group of an earlier process, and takes up the entries that it gave: those that no filter
   * of the session's own explains. What access control denies now is left out; whether it was allowed.
   */
  restore(state: ShareState, ownFilters: Filters): boolean {
    try {
      this.join(state);
    } catch {
      // Access was withdrawn, or a limit lowered: the share is not part of the session any more.
      return false;
    }
    const share = this.#shares?.get(state.name);
    const filter = new Filters([state.filter]);
    for (const sequence of this.#queue.sequences()) {
      const offset = this.#queue.entries.offsetAt(sequence);
      if (this.#queue.entries.stateAt(sequence) === STATE.received) continue;
      const topic = this.#bus.messageAt(offset)?.topic;
      if (topic === undefined || ownFilters.matches(topic) || !filter.matches(topic)) continue;
      if (share === undefined || this.#queue.entries.has(sequence, FLAG.shared)) continue;
      this.#queue.adopt(sequence, share);
      share.resume(offset);
    }
    return true;
  }
}
