import type { MessageLog, RetainedStore } from "./ports.ts";
import type { SessionStore } from "./session-store.ts";

/** A request with an idempotency key that was accepted. */
export interface StoredKey {
  readonly scope: string;
  readonly key: string;
  /** Of the content, to tell a repetition from another message. */
  readonly digest: string;
  readonly offset: number;
  /** When the request was first made: milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** Where idempotency keys survive the process; written with the message they belong to. */
export interface KeyStore {
  /** Keys of earlier processes, oldest first. Called once. */
  restore(): Iterable<StoredKey>;
  put(key: StoredKey): void;
  delete(scope: string, key: string): void;
}

/** Why the store does not take messages that ask for acknowledgement; `kind` is for metrics. */
export interface StoreFault {
  readonly kind: StoreFaultKind;
  /** One sentence for the operator: what happened and what to do. */
  readonly text: string;
}

/** `full`: no space or over a file limit. `descriptors`: the process has no more of them. */
export const STORE_FAULT_KINDS = [
  "full",
  "read_only",
  "io",
  "corrupted",
  "descriptors",
  "other",
] as const;

export type StoreFaultKind = (typeof STORE_FAULT_KINDS)[number];

/** What a store reports for metrics, readiness and the log of events. Cheap; never throws. */
export interface StoreObserver {
  /** One group commit is durable: messages, bytes written, seconds from its oldest append. */
  committed(messages: number, bytes: number, seconds: number): void;
  /** A write or a read failed; the store goes on trying. */
  failed(fault: StoreFault): void;
  /** Writing works again. */
  healed(): void;
}

/** Everything that outlives a connection, opened and closed together. */
export interface Store {
  readonly log: MessageLog;
  readonly retained: RetainedStore;
  readonly sessions: SessionStore;
  readonly keys: KeyStore;
  /** Rejects with a `StoreError` that says what to do; nothing else may be called before. */
  open(): Promise<void>;
  /**
   * Everybody who takes up what earlier processes left has done so: what nobody kept again may go.
   */
  restored?(): void;
  /** Makes everything durable, ends the epoch cleanly, and releases the store. Idempotent. */
  close(): Promise<void>;
  /** What the metrics show at scrape time. */
  readState(): StoreState;
}

/** Gauges of a store. */
export interface StoreState {
  /** Messages and bytes of the log that survive the process; 0 in memory. */
  readonly logMessages: number;
  readonly logBytes: number;
  /** Bytes of the store's files; 0 in memory. */
  readonly fileBytes: number;
  /** When the oldest message of the log was accepted (milliseconds since the epoch); `null`: none. */
  readonly oldestAcceptedAt: number | null;
  /** Bytes appended and not yet durable. */
  readonly pendingBytes: number;
  /** Seconds it took to open; 0 in memory. */
  readonly recoverySeconds: number;
  readonly fault: StoreFault | null;
}

/** A store that cannot be opened: locked by another process, of a newer schema, corrupted, unwritable. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}
