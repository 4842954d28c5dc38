import { GROUP_PREFIX, type LastingSessions } from "./lasting-sessions.ts";
import type { StoredSession } from "./session-store.ts";

/** A group has no state beside its name; one byte says in which form. */
const STATE = Uint8Array.of(1);

/**
 * What of a group outlives the process: the messages of QoS 1 and 2 that no stored member has. It
 * exists as long as the group has a stored member.
 */
export class GroupRecord {
  readonly #name: string;
  readonly #sessions: LastingSessions;
  #stored: StoredSession | null = null;
  #lastSequence = 0;
  /** By offset, for those that are stored. */
  readonly #sequences = new Map<number, number>();
  /** The message of the fan-out at hand, unless it has found its owner already; 0 for none. */
  #offered = 0;

  constructor(name: string, sessions: LastingSessions) {
    this.#name = `${GROUP_PREFIX}${name}`;
    this.#sessions = sessions;
  }

  get isBegun(): boolean {
    return this.#stored !== null;
  }

  /** Begins with these offsets; returns those an earlier process left, which are part of it already. */
  begin(offsets: readonly number[]): readonly number[] {
    const restored = this.#sessions.takeGroup(this.#name);
    this.#stored = restored?.stored ?? this.#sessions.store.create(this.#name, STATE);
    this.#lastSequence = restored?.lastSequence ?? 0;
    for (const { offset, sequence } of restored?.entries ?? []) {
      this.#sequences.set(offset, sequence);
    }
    for (const offset of offsets) this.add(offset);
    return restored?.entries.map(({ offset }) => offset) ?? [];
  }

  /** A message is being offered: it is stored by the end of the offer unless a member has it by then. */
  offered(offset: number): void {
    if (this.#stored !== null) this.#offered = offset;
  }

  offerEnded(): void {
    if (this.#offered === 0) return;
    this.add(this.#offered);
    this.#offered = 0;
  }

  /** The group holds the message; does nothing when it is stored already, or of QoS 0. */
  add(offset: number): void {
    if (this.#stored === null || this.#sequences.has(offset)) return;
    const qos = this.#sessions.messageAt(offset)?.qos ?? 0;
    if (qos === 0) return;
    this.#lastSequence += 1;
    const sequence = this.#lastSequence;
    this.#sequences.set(offset, sequence);
    this.#stored.push({ sequence, offset, qos, isRetained: false, subscriptionIds: [] });
  }

  /** The group does not hold the message any longer. */
  done(offset: number): void {
    if (this.#offered === offset) this.#offered = 0;
    const sequence = this.#sequences.get(offset);
    if (sequence === undefined) return;
    this.#sequences.delete(offset);
    this.#stored?.done(sequence);
  }

  /** No member is left that outlives the process. */
  end(): void {
    this.#stored?.delete();
    this.#stored = null;
    this.#sequences.clear();
    this.#lastSequence = 0;
  }
}
