import type { Clock } from "./clock.ts";
import type { GroupLimits } from "./group.ts";
import type { IdempotencyLimits } from "./idempotency.ts";
import type { Message } from "./message.ts";
import type { QueueLimits } from "./overflow.ts";
import type { AccessPolicy, BusObserver, Gap, MessageLog, RetainedStore } from "./ports.ts";
import type { RetainedLimits } from "./retained.ts";
import type { SessionStore } from "./session-store.ts";
import type { KeyStore } from "./store-port.ts";

/** Bounds the bus enforces whatever the transport. */
export interface BusLimits extends RetainedLimits {
  readonly maxPayloadBytes: number;
  readonly queue: QueueLimits;
  /** Defaults to `DEFAULT_GROUP_LIMITS`. */
  readonly groups?: GroupLimits;
  /** Defaults to `DEFAULT_IDEMPOTENCY_LIMITS`. */
  readonly idempotency?: IdempotencyLimits;
}

/** What the bus is made of. */
export interface BusParts {
  readonly log: MessageLog;
  readonly retained: RetainedStore;
  /** Where sessions and groups survive the process; by default they do not. */
  readonly sessions?: SessionStore;
  /** Where idempotency keys survive the process; by default they do not. */
  readonly keys?: KeyStore;
  readonly clock: Clock;
  /** `null` allows everything, at no cost. */
  readonly policy: AccessPolicy | null;
  readonly observer: BusObserver;
  readonly limits: BusLimits;
}

/** One answer to a poll. */
export interface BusPage {
  readonly messages: readonly Message[];
  /** The reader has everything up to here. */
  readonly through: number;
  /** Nothing more is in the log now. */
  readonly isUpToDate: boolean;
  readonly gap: Gap | null;
}
