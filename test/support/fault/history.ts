import type { QoS } from "../../../src/bus/message.ts";

/** One time a message was handed to the gateway; a retry is an attempt of its own. */
export interface Attempt {
  readonly topic: string;
  /** Unique over the run: names the publisher and the message's number. */
  readonly payload: string;
}

/** The gateway said that it has the message. */
export interface Acknowledgement {
  readonly payload: string;
  /** As the answer gave it; `null` where the protocol has no place for it. */
  readonly offset: number | null;
}

/** What one publisher did and was told. */
export interface PublisherRecord {
  readonly name: string;
  /**
   * Whether the log may hold a message of this publisher once only (QoS 2, idempotency keys), or as
   * often as it was offered.
   */
  readonly promise: "once" | "at-least-once";
  readonly qos: 1 | 2;
  /** In the order they were sent. */
  readonly attempts: Attempt[];
  readonly acknowledgements: Acknowledgement[];
}

/** A message as one reader got it. */
export interface Delivery {
  readonly is: "message";
  readonly topic: string;
  readonly payload: string;
  /** From its cursor; `null` where the protocol has none. */
  readonly offset: number | null;
  /** When it was accepted, as its reader was told: a retry that takes the same place has another. */
  readonly acceptedAt: number | null;
}

/** A reader was told that it missed something. */
export interface ToldGap {
  readonly is: "gap";
  /** The last offset it had. */
  readonly from: number;
  /** The first offset it can have again. */
  readonly earliest: number;
  readonly reason: string;
}

/** What one reader saw, in order; `connected` stands before what came on a connection. */
export type ReaderEvent =
  | { readonly is: "connected"; readonly sessionPresent: boolean | null }
  | Delivery
  | ToldGap;

/** One reader: by cursor, or by a session of its own that outlives connections and processes. */
export interface ReaderRecord {
  readonly name: string;
  readonly kind: "cursor" | "session" | "group";
  /** Granted; meaningless for readers by cursor. */
  readonly qos: QoS;
  readonly events: ReaderEvent[];
}

/** One message of the log, as it is read from `earliest` after everything else. */
export interface LogEntry {
  readonly offset: number;
  readonly topic: string;
  readonly payload: string;
  readonly acceptedAt: number | null;
}

/** Everything a run knows once it is over. */
export interface History {
  readonly publishers: readonly PublisherRecord[];
  readonly readers: readonly ReaderRecord[];
  readonly log: readonly LogEntry[];
  /** What whoever read the log from `earliest` was told to be missing. */
  readonly logGaps: readonly ToldGap[];
  /** The retained payload of each topic that was asked for; `null` for none. */
  readonly retained: ReadonlyMap<string, string | null>;
  /** Whether the process was ended hard: only then may a reader have seen what the log has not. */
  readonly hadCrash: boolean;
}

export type ViolationKind =
  /** Acknowledged, and not in the log. */
  | "lost"
  /** In the log, and withheld from a reader without a word. */
  | "undelivered"
  /** Delivered or logged in another order than it was sent. */
  | "reordered"
  /** Delivered or logged, and never offered on that topic. */
  | "invented"
  /** More often than the promise allows. */
  | "duplicated"
  /** Acknowledged with an offset that holds something else. */
  | "misplaced"
  /** A gap was told although nothing is missing, or in a log that must have none. */
  | "needless_gap"
  /** The retained message is not the last one. */
  | "stale_retained"
  /** A persistent session was not there any more. */
  | "session_forgotten";

export interface Violation {
  readonly kind: ViolationKind;
  /** Whom it concerns, and which message. */
  readonly text: string;
}
