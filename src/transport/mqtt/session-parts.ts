import type { Bus } from "../../bus/bus.ts";
import type { Message, Origin, TransportName } from "../../bus/message.ts";
import type { Identity } from "../../bus/ports.ts";
import type { Reader } from "../../bus/reader.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { TransportObserver } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";
import type { LivePublishes, LiveRun } from "./live-publishes.ts";
import type { OutgoingLimits } from "./outgoing-queue.ts";
import type { DeliveryEncoder } from "./outgoing-sender.ts";
import type { SharedMessage } from "./shared-message.ts";

/**
 * What a full queue of a persistent session does.
 * `disconnect`: the session ends with its queue, so that its client finds none when it connects again,
 * and knows. `drop-oldest`: the oldest message that was not sent gives way, and only metrics tell.
 */
export type QueueOverflowPolicy = "disconnect" | "drop-oldest";

/** Bounds of one session's queue, and what happens at them. */
export interface SessionLimits extends OutgoingLimits {
  readonly queueOverflow: QueueOverflowPolicy;
}

/** A session, as its parts see it. */
export interface SessionFacts {
  readonly clientId: string;
  /** Of the connection, or `mqtt`. */
  readonly transport: TransportName;
  /** Of the connection, or of the last one. */
  readonly identity: Identity;
  /** The session ends with its connection. */
  readonly isClean: boolean;
  readonly link: SessionLink | null;
}

/** What all sessions of an engine share. */
export interface SessionParts {
  readonly bus: Bus;
  readonly observer: TransportObserver;
  readonly logger: Logger;
  readonly shared: SharedMessage;
  readonly publishes: LivePublishes;
  readonly limits: SessionLimits;
  /** The session is over by policy; called within a fan-out, so that it may only take note. */
  overflowed(session: SessionFacts): void;
  /** The store failed while the session waited for it: wake it in a while. */
  stalled(session: SessionFacts): void;
}

/** Packets in the version of the protocol that the client speaks, and live messages of QoS 0. */
export interface SessionEncoder extends DeliveryEncoder {
  /** Adds a live message at QoS 0 and returns its bytes; 0 when the client takes none so large. */
  addLive(batch: WriteBatch, offset: number, live: LiveRun, reader: Reader): number;
  /**
   * Adds a message of the queue that is sent for the first time, with nothing beside it, and returns
   * its bytes; 0, and nothing added, when that takes the message itself.
   */
  addQueued(batch: WriteBatch, offset: number, qos: 1 | 2, packetId: number): number;
  /** As {@link addLive}, for a message that is retained or recovered, or has identifiers to be told. */
  addUnacknowledged(
    batch: WriteBatch,
    message: Message,
    isRetained: boolean,
    subscriptionIds: readonly number[],
  ): number;
}

/** The connection a session is taken up by, as the engine sees it. */
export interface SessionLink {
  readonly transport: TransportName;
  readonly identity: Identity;
  readonly origin: Origin;
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number;
  readonly encoder: SessionEncoder;
  /** Deliveries the client takes unacknowledged: MQTT 5's Receive Maximum; before, 65,535. */
  readonly receiveMaximum: number;
  /** There is something to fill. Cheap to repeat. */
  wake(): void;
  /** Ends the connection at the end of this turn, for this reason. May be called in a fan-out. */
  endSoon(reason: ErrorCode): void;
  /** Another connection takes the session over: ends at once, and has called `detach` by then. */
  replaced(): void;
}
