import type { MessageProperties } from "../bus/message.ts";
import { ConnectError } from "../client/connect-error.ts";
import { ProxyError } from "../client/proxy.ts";
import { GatewayError } from "../errors.ts";
import type { TraceStamps } from "../wire/trace.ts";
import type { Endpoint } from "./endpoint.ts";

/** What `pub` sends. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly contentType?: string;
  /** Names and values, in order; a name may come again. */
  readonly userProperties?: readonly (readonly [string, string])[];
}

/** The properties of a message beside its topic and payload, those it has. */
export function propertiesOf({ contentType, userProperties }: Outgoing): MessageProperties {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
}

/** A connected publisher, whatever the transport. */
export interface PublisherLink {
  /** Resolves when acknowledged as far as transport and QoS do; rejects when refused. */
  publish(message: Outgoing): Promise<void>;
  /** Resolves when everything sent is known to have arrived, or rejects with the refusal. */
  close(): Promise<void>;
}

/** What `sub` received. `null` where the transport does not tell. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly isRetained: boolean;
  readonly cursor: string | null;
  readonly contentType: string | null;
  readonly ingress: string | null;
  /** Absent when there are none or the transport does not tell. */
  readonly userProperties?: readonly (readonly [string, string])[];
  /** Absent unless the publisher asked for it and the transport tells. */
  readonly trace?: TraceStamps;
}

/** What `sub` asks for. */
export interface ReadRequest {
  readonly filters: readonly string[];
  readonly qos: 0 | 1 | 2;
  /** `now`, `earliest` or a cursor; only transports with cursors take another than `now`. */
  readonly start: string;
  readonly wantsRetained: boolean;
}

/** What a reader tells; none of them may throw. */
export interface ReadHandlers {
  onMessage(message: Incoming): void;
  /** Something a person should know: a gap, a reconnection. */
  onNotice(text: string): void;
}

/** A connected, subscribed reader. */
export interface ReaderLink {
  /** Rejects when reading ended for a reason of its own; resolves after `close`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** What went wrong and what to do about it, in one line. */
export function describeFailure(cause: unknown, endpoint: Endpoint): string {
  if (cause instanceof ProxyError) return cause.message;
  if (isUnreachable(cause)) {
    return (
      `nothing answers at ${endpoint.url}. Is the gateway running? Start it with: npm start\n` +
      "(another address: -h HOST -p PORT, or --url URL)"
    );
  }
  if (cause instanceof GatewayError) return `refused (${cause.code}): ${cause.message}`;
  if (cause instanceof ConnectError && cause.refusal !== null) {
    return `refused (${cause.refusal.code}): ${cause.refusal.message}`;
  }
  const text = messages(cause).join(": ");
  if (endpoint.tls === null) return CUT_SHORT.test(text) ? `${text}\n${TLS_HINT}` : text;
  if (!/certificate|altname/i.test(text)) return text;
  return `${text}\n(${endpoint.url} could not prove who it is; --ca FILE names the CA to trust)`;
}

/**
 * How a TLS listener looks to a client that speaks in the clear, in the words of each library: it
 * hangs up, or waits for a handshake with the one that waits to be greeted.
 */
const CUT_SHORT =
  /couldn't connect|no welcome|connection closed|ECONNRESET|hang up|other side closed/i;

const TLS_HINT = "(if that is a TLS listener, add --tls, or --ca FILE)";

/** The message and those of its causes: `fetch` says no more than that it failed. */
function messages(cause: unknown): string[] {
  if (!(cause instanceof Error)) return [String(cause)];
  return cause.cause instanceof Error ? [cause.message, ...messages(cause.cause)] : [cause.message];
}

const UNREACHABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"]);

/** Libraries wrap the system's error in their own, some more than once. */
function isUnreachable(cause: unknown, depth = 0): boolean {
  if (!(cause instanceof Error) || depth > 4) return false;
  const code = "code" in cause ? cause.code : undefined;
  if (typeof code === "string" && UNREACHABLE.has(code)) return true;
  if (cause instanceof ConnectError && /ECONNREFUSED|EHOSTUNREACH|ENOTFOUND/.test(cause.message)) {
    return true;
  }
  const inner: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause.cause];
  return inner.some((each) => isUnreachable(each, depth + 1));
}
