import type { BackoffOptions } from "./backoff.ts";

/** Who the client says it is. */
export type Credentials =
  | { readonly token: string }
  | { readonly user: string; readonly password: string };

/** How a client behaves; every part has a default. */
export interface ClientOptions {
  readonly credentials?: Credentials;
  /** `false`: the first loss of the connection is the end. */
  readonly reconnect?: boolean | BackoffOptions;
  /** Publishes that may be unanswered at a time. */
  readonly maxPendingPublishes?: number;
  /** How long a connection may take until the gateway's `welcome`. */
  readonly connectTimeoutMs?: number;
  /** The connection was lost and will be tried again after `delayMs`. */
  readonly onReconnecting?: (end: ConnectionEnd, delayMs: number) => void;
  /** Subscriptions and pending publishes have been sent again. */
  readonly onReconnected?: () => void;
  /** A refusal that names no command, such as that of a publish without acknowledgement. */
  readonly onError?: (error: Error) => void;
}

/** Why a connection ended. */
export interface ConnectionEnd {
  readonly code: number;
  readonly reason: string;
}

/** 1,024 × a typical 1 KiB frame is 1 MiB kept for sending again. */
export const DEFAULT_MAX_PENDING_PUBLISHES = 1_024;

export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
