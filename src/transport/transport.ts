import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../bus/clock.ts";
import type { QoS, TransportName } from "../bus/message.ts";
import type { GapReason } from "../bus/ports.ts";
import type { Authenticator } from "../security/authenticator.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { FlushLoop } from "./flush-loop.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** Where a transport can be reached. */
export interface ListenAddress {
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
  /** What a client is given to connect with, such as `mqtt://127.0.0.1:1883`. */
  readonly url: string;
}

/** One way into the gateway, as the composition root sees it. */
export interface Transport {
  /** Opens the listeners, if it has its own; rejects with the reason when one cannot be opened. */
  start(): Promise<readonly ListenAddress[]>;
  /**
   * Refuses new connections, tells the connected clients in their protocol's words, delivers what is
   * queued for them, and resolves when that is done or after `timeoutMs`.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Ends every connection now. Idempotent; works half-started; resolves when nothing is left open. */
  stop(): Promise<void>;
}

/**
 * What a transport reports for the metrics. Calls must be cheap. What is put into one write is
 * reported while it is put together, then the write itself; nothing else may come in between.
 */
export interface TransportObserver extends HandOverObserver, WireObserver {
  /** The time of this moment, not of this callback: milliseconds since the Unix epoch, fractional. */
  readNow(): number;
  connected(transport: TransportName): void;
  disconnected(transport: TransportName): void;
  /** The write holds live messages, one unless `count` says otherwise, of these times. */
  delivered(
    ingress: TransportName,
    egress: TransportName,
    qos: QoS,
    receivedAt: number,
    acceptedAt: number,
    count?: number,
  ): void;
  /**
   * The write holds a message that is counted and not timed, because its reader was not there when it
   * came: retained, recovered, or kept for a client that was away.
   */
  deliveredLate(ingress: TransportName, egress: TransportName, qos: QoS): void;
  /** The write holds acknowledgements to a publisher, for bytes read at `receivedAt`. */
  acknowledged(transport: TransportName, receivedAt: number, count: number): void;
  /** A reader that the bus knows no subscription of has resumed from a cursor. */
  recovered(transport: TransportName, result: "complete" | GapReason): void;
  /** A poll was held this long. */
  held(outcome: HoldOutcome, heldMs: number): void;
}

/** Where a write ends up. */
export interface HandOverObserver {
  /** The kernel has all of the write. */
  handedOver(): void;
  /** Some of the write waits in the process; `null` when nothing in it is measured. */
  handOverLater(): PendingHandOver | null;
  /** The write will not happen. */
  discarded(): void;
}

/** Bytes at the sockets. */
export interface WireObserver {
  /** From here on the socket carries this transport. Cheap to repeat. */
  carries(socket: WireSocket, transport: TransportName): void;
  /** The socket has closed. Idempotent. */
  closed(socket: WireSocket): void;
}

/** A socket that counts its bytes: under TLS the one below, which the network sees. */
export interface WireSocket {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly writableLength: number;
}

/** A write that waits in the process. */
export interface PendingHandOver {
  /** The kernel has it. */
  settle(): void;
}

/** How the hold of a poll ended; `abandoned` is a client that went away. */
export type HoldOutcome = "messages" | "empty" | "gap" | "refused" | "draining" | "abandoned";

/** What every transport is given. */
export interface TransportContext {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly flushLoop: FlushLoop;
  readonly sessions: SessionRegistry;
  readonly authenticator: Authenticator;
  readonly observer: TransportObserver;
  readonly logger: Logger;
  readonly limits: TransportLimits;
}

/** Bounds that hold on every transport. */
export interface TransportLimits {
  readonly maxPayloadBytes: number;
  readonly maxTopicBytes: number;
  readonly maxTopicLevels: number;
  /** Filters of one request or one subscription. */
  readonly maxFiltersPerRequest: number;
  /** Messages one session may publish a second; 0 for no limit. */
  readonly maxPublishesPerSecond: number;
  readonly outbox: OutboxLimits;
}

/** Bounds of one connection's output. */
export interface OutboxLimits {
  /** Bytes written to one connection in one tick. */
  readonly highWaterBytes: number;
  /** Answers not yet written; past it the connection is no longer read from. */
  readonly maxControlBytes: number;
}
