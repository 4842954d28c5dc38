import type { Writable } from "node:stream";
import type { GatewayError } from "../errors.ts";
import type { CommandDelivery } from "./command-session-delivery.ts";
import type { CommandForm } from "./command-session-form.ts";
import type { Session } from "./session-registry.ts";
import type { TransportContext } from "./transport.ts";

/** The connection under a command session, as its transport provides it. */
export interface CommandConnection {
  /** Bytes received so far; how a session knows that the peer is not silent. */
  readonly bytesRead: number;
  pauseReading(): void;
  resumeReading(): void;
  /**
   * Says why in the transport's words, behind everything written so far, and closes; `null` when
   * nothing is wrong. The session takes care of a peer that never lets it close.
   */
  end(reason: GatewayError | null): void;
  /** Asks the peer for a sign of life, where the transport has a way to ask. */
  ping(): void;
  /** Ends the connection now; nothing more is written. */
  destroy(): void;
}

/** Settings of a command session; the same names as in the config. */
export interface CommandSessionOptions {
  readonly heartbeatMs: number;
  /** Time in which a client that must authenticate has to have done so. */
  readonly authenticateTimeoutMs: number;
  readonly maxSubscriptionsPerSession: number;
}

/** What one command session is made of. */
export interface CommandSessionParts {
  readonly context: TransportContext;
  readonly options: CommandSessionOptions;
  readonly form: CommandForm;
  /** Shared by all sessions of the form. */
  readonly delivery: CommandDelivery;
  readonly session: Session;
  readonly connection: CommandConnection;
  readonly stream: Writable;
  /** Whether the session may do more than authenticate. */
  readonly isAuthenticated: boolean;
  /**
   * Whether every live peer answers {@link CommandConnection.ping}: then silence alone ends the
   * connection. Otherwise it takes silence and output that does not drain, and `position` is sent
   * even to those who subscribe to nothing, so that both ends notice a broken path.
   */
  readonly answersPings: boolean;
}

/**
 * Bytes one command may take on the wire: base64 takes 4/3 of the payload, and 8 KiB are for the
 * rest, the topic and the properties.
 */
export function maxCommandBytes(maxPayloadBytes: number): number {
  return Math.ceil((4 * maxPayloadBytes) / 3) + 8_192;
}

/** A failure that is not a refusal: it has no one to be told to but the operator. */
export function logDefect({ context, session, form }: CommandSessionParts, error: unknown): void {
  context.logger.error("session failed", { transport: form.egress, sessionId: session.id, error });
}
