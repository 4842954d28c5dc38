import type { GatewayError } from "../errors.ts";
import type { QoS } from "./message.ts";

/** One delivery that a session owes its client. */
export interface QueueEntry {
  /**
   * Place in the session's queue: rises from 1 and is never used twice. Some are passed over, for
   * messages that end with the process: those of QoS 0 that a group gave.
   */
  readonly sequence: number;
  readonly offset: number;
  /** The lower of the published and the highest granted QoS; 0 only in the queue of a group. */
  readonly qos: QoS;
  /** Answers a new subscription from the retained store. */
  readonly isRetained: boolean;
  /** Identifiers of the subscriptions that match, 1…268,435,455 (MQTT 5 §3.8.2.1.2). */
  readonly subscriptionIds: readonly number[];
}

/** An entry that was not done when the process before this one ended. */
export interface RestoredEntry extends QueueEntry {
  /** It was sent before, as far as is known: what follows is a redelivery. */
  readonly isSent: boolean;
  /** PUBREC had arrived: what is due is PUBREL. */
  readonly isReceived: boolean;
}

/** What outlives the process for one MQTT session or one group of shared subscriptions. */
export interface StoredSession {
  /**
   * Every entry up to this sequence is durable; `Infinity` where nothing is. A delivery of QoS 2 is
   * sent only then: sent earlier and lost in a crash, its packet id would name another message.
   */
  readonly durableThrough: number;
  /** Replaces the state: bytes of the owner's own form, at most a few KiB; copied. */
  save(state: Uint8Array): void;
  /**
   * Adds an entry; within the fan-out it is one write with the message itself. The newest entry may be
   * pushed again in the same turn, and is replaced: another filter of the session matches it, too.
   */
  push(entry: QueueEntry): void;
  /** Everything up to this sequence has been sent. Known after a crash only if it was flushed. */
  sent(sequence: number): void;
  /** PUBREC has arrived for this entry. */
  received(sequence: number): void;
  /** Acknowledged or dropped: the entry is over. Idempotent. */
  done(sequence: number): void;
  /** A message of QoS 2 with this packet id was accepted from the client and not released. */
  addIncoming(packetId: number): void;
  /** PUBREL has arrived for it. */
  deleteIncoming(packetId: number): void;
  /** Forgets the session and its queue; every later call does nothing. */
  delete(): void;
}

/** A session of a process before this one. */
export interface RestoredSession {
  readonly name: string;
  readonly state: Uint8Array;
  /**
   * In the order of their sequence; their messages may be missing from the log if it was tampered with.
   * Whoever takes the session keeps what lies below the log's window anew: keeping ends with a process.
   */
  readonly entries: readonly RestoredEntry[];
  /** The highest sequence that was used; the next one is greater. */
  readonly lastSequence: number;
  readonly incoming: readonly number[];
  /** To go on with. */
  readonly stored: StoredSession;
}

/**
 * Where sessions survive the process. Changes are noted at once and written with everything else of
 * the same turn as one atomic write; calls never throw and never wait. A change whose write fails is
 * kept and written again with the next one.
 */
export interface SessionStore {
  /** Sessions of earlier processes, by name. Called once, before anything else. */
  restore(): Iterable<RestoredSession>;
  /** @param name unique, such as `client/ID`; one that exists is replaced. */
  create(name: string, state: Uint8Array): StoredSession;
  /**
   * Calls back once everything noted so far, here and in the log, is durable (`null`), or with the
   * refusal when writing it failed. In call order; at once where nothing is pending.
   */
  whenDurable(callback: (refusal: GatewayError | null) => void): void;
}
