import type { SessionStore, StoredSession } from "../../bus/session-store.ts";
import type { GatewayError } from "../../errors.ts";
import { encodeSessionState, type SessionState } from "./session-state.ts";

/** Before the client id in the names of stored sessions. */
export const CLIENT_PREFIX = "client/";

/** Told `null` when everything noted before is durable, or why it is not. */
export type DurableCallback = (refusal: GatewayError | null) => void;

/**
 * What the store has of one session: nothing where nothing outlives the process. The state is written
 * when somebody asks for it to be durable, or at the end of the turn that changed it, whichever is first.
 */
export class SessionRecord {
  readonly #store: SessionStore;
  readonly #readState: () => SessionState;
  #stored: StoredSession | null;
  #hasChanged = false;
  /** Changes that were noted and are not known to be durable. */
  #pending = 0;

  constructor(store: SessionStore, readState: () => SessionState, restored?: StoredSession) {
    this.#store = store;
    this.#readState = readState;
    this.#stored = restored ?? null;
  }

  /** Whether it outlives the process. */
  get isStored(): boolean {
    return this.#stored !== null;
  }

  /** Whether an answer that speaks of it has to wait for {@link whenDurable}. */
  get isAwaited(): boolean {
    return this.#stored !== null || this.#pending > 0;
  }

  /** Stores the session from here on, if the store can; returns what its queue is written to. */
  begin(state: SessionState): StoredSession | null {
    if (this.#stored !== null) return this.#stored;
    const name = `${CLIENT_PREFIX}${state.clientId}`;
    const created = this.#store.create(name, encodeSessionState(state));
    // Nothing outlives the process here, and so nothing has to be written or waited for.
    if (created.durableThrough === Number.POSITIVE_INFINITY) return null;
    this.#stored = created;
    this.#pending += 1;
    return created;
  }

  /** Another record of this name was deleted in this turn: what is said of this one waits for that. */
  replaces(): void {
    this.#pending += 1;
  }

  /** The state is another one. */
  changed(): void {
    if (this.#stored === null || this.#hasChanged) return;
    this.#hasChanged = true;
    queueMicrotask(() => this.save());
  }

  /** Writes the state if it has changed. */
  save(): void {
    if (this.#stored === null || !this.#hasChanged) return;
    this.#hasChanged = false;
    this.#pending += 1;
    this.#stored.save(encodeSessionState(this.#readState()));
  }

  /** A message of QoS 2 is about to be accepted from the client: in the same write as the message. */
  addIncoming(packetId: number): void {
    this.#stored?.addIncoming(packetId);
  }

  deleteIncoming(packetId: number): void {
    this.#stored?.deleteIncoming(packetId);
  }

  /** Calls back once all that was noted so far is durable; at once where nothing outlives the process. */
  whenDurable(callback: DurableCallback): void {
    if (this.#stored === null && this.#pending === 0) {
      callback(null);
      return;
    }
    this.save();
    const noted = this.#pending;
    this.#store.whenDurable((refusal) => {
      if (refusal === null && this.#pending === noted) this.#pending = 0;
      callback(refusal);
    });
  }

  delete(): void {
    if (this.#stored === null) return;
    this.#stored.delete();
    this.#stored = null;
    this.#hasChanged = false;
    this.#pending += 1;
  }
}
