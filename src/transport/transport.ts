import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../bus/clock.ts";
import type { QoS, TransportName } from "../bus/message.ts";
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

/** What a transport reports for the metrics. Calls must be cheap. */
export interface TransportObserver {
  connected(transport: TransportName): void;
  disconnected(transport: TransportName): void;
  /** Messages handed to the kernel, one unless `count` says otherwise. */
  delivered(ingress: TransportName, egress: TransportName, qos: QoS, count?: number): void;
}

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
