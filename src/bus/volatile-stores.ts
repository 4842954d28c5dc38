import type { RestoredSession, SessionStore, StoredSession } from "./session-store.ts";
import type { KeyStore, StoredKey } from "./store-port.ts";

/** A session that ends with the process: its owner's memory is all there is. */
const VOLATILE_SESSION: StoredSession = Object.freeze({
  durableThrough: Number.POSITIVE_INFINITY,
  save: ignore,
  push: ignore,
  sent: ignore,
  received: ignore,
  done: ignore,
  addIncoming: ignore,
  deleteIncoming: ignore,
  delete: ignore,
});

/** Sessions that end with the process. Everything counts as durable at once. */
export const VOLATILE_SESSIONS: SessionStore = Object.freeze({
  restore: (): readonly RestoredSession[] => [],
  create: () => VOLATILE_SESSION,
  whenDurable: (callback: (refusal: null) => void) => callback(null),
});

/** Idempotency keys that end with the process. */
export const VOLATILE_KEYS: KeyStore = Object.freeze({
  restore: (): readonly StoredKey[] => [],
  put: ignore,
  delete: ignore,
});

function ignore(): void {
  // Nothing outlives the process.
}
