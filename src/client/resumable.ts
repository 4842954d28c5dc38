import type { Cursor } from "../bus/cursor.ts";
import type { GatewayError } from "../errors.ts";
import { Fields } from "../wire/fields.ts";
import { type ReceivedMessage, readCursor } from "../wire/json-message.ts";
import { type Backoff, type BackoffOptions, DEFAULT_BACKOFF } from "./backoff.ts";
import type { HttpTarget } from "./http-request.ts";

/** What a resumable reader hands over, in order. */
export type Delivery =
  | { readonly is: "message"; readonly message: ReceivedMessage }
  /** Messages are missing and will not come. */
  | { readonly is: "gap"; readonly reason: string; readonly earliest: Cursor }
  /** Everything up to here has been handed over. The first one says that reading has begun. */
  | { readonly is: "position"; readonly cursor: Cursor };

/** What to read over HTTP, and how to stay. */
export interface HttpReadOptions extends HttpTarget {
  readonly filters: readonly string[];
  readonly start?: "now" | "earliest" | Cursor;
  /** Ends the reading: the generator returns. */
  readonly signal: AbortSignal;
  readonly reconnect?: BackoffOptions;
  /** Reading was interrupted and will be tried again after `delayMs`. */
  readonly onReconnecting?: (cause: unknown, delayMs: number) => void;
}

/** The waiting times of these options. */
export function backoffOf(options: HttpReadOptions): BackoffOptions {
  return options.reconnect ?? DEFAULT_BACKOFF;
}

/** Whether a refusal would be the same at the next attempt. */
export function isFinal(error: GatewayError): boolean {
  return !error.form.retryable;
}

/** Waits before the next attempt; returns at once when the reading is ended. */
export function pause(
  options: HttpReadOptions,
  backoff: Backoff,
  cause: unknown,
  leastMs = 0,
): Promise<void> {
  const delayMs = Math.max(leastMs, backoff.next());
  options.onReconnecting?.(cause, delayMs);
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, delayMs);
    options.signal.addEventListener("abort", wake);
    if (options.signal.aborted) wake();
  });
}

/** A cursor as the gateway gave it. Throws `bad_request` when it has not the form of one. */
export function asCursor(text: string): Cursor {
  return readCursor(new Fields({ cursor: text }, "answer"), "cursor");
}
