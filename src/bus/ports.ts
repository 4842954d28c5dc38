import type { GatewayError } from "../errors.ts";
import type { Position } from "./cursor.ts";
import type { Message, MessageDraft, QoS, TransportName } from "./message.ts";
import type { Topic, TopicFilter } from "./topic.ts";

/** Why a reader cannot have everything after its cursor. */
export type GapReason = "epoch" | "retention" | "store";

/** Messages after `from` and before `earliest` are missing; delivery goes on at `earliest`. */
export interface Gap {
  readonly reason: GapReason;
  /** The first offset the reader can have again. */
  readonly earliest: number;
}

/** What a publisher is told, once, in the order in which its messages were appended. */
export interface Receipt {
  /** The message is accepted: ordered, on every queue it belongs on, and as durable as configured. */
  accepted(offset: number): void;
  /** The message is not accepted, although it may have been fanned out. */
  refused(error: GatewayError): void;
}

/** The bus, as the log sees it. */
export interface LogListener {
  /**
   * A message has its place. Called in offset order, for every message of the sequence, whoever
   * appended it; synchronously within `append` when this process is the only writer.
   */
  ordered(offset: number, draft: MessageDraft, acceptedAt: number): void;
  /** The log is about to drop everything below `firstOffset`; those messages can still be read. */
  evicting(firstOffset: number): void;
  /**
   * The log's memory is about to drop everything below `firstOffset`. What `isStored` names can be
   * read all the same, and is announced by {@link evicting} when it goes; the rest cannot. Only a log
   * that has more than its memory calls this.
   */
  evictingUnstored?(firstOffset: number, isStored: (offset: number) => boolean): void;
}

/** The filters of one reader, prepared for matching. */
export interface FilterSet {
  readonly filters: readonly TopicFilter[];
  matches(topic: Topic): boolean;
}

/** One step of reading the log. */
export interface LogPage {
  /** Offsets of matching messages, rising. */
  readonly offsets: readonly number[];
  /** Everything up to here has been considered; the next step starts after it. */
  readonly through: number;
  /**
   * Set when the messages right after the start are missing, because the window has passed them
   * (`retention`) or because their commit failed (`store`): `offsets` is then empty, and the next
   * step starts after `gap.earliest - 1`. A hole further on ends the page before it.
   */
  readonly gap: Gap | null;
  /** Nothing could be read for the moment, and nothing is known to be missing: to be tried again later. */
  readonly isUnreadable?: boolean;
}

/** Bounds on one step of reading. */
export interface PageLimits {
  readonly maxMessages: number;
  /** Payload bytes; a single larger message is still returned. */
  readonly maxBytes: number;
}

/**
 * The one sequence and its window of recent messages. It is a port: an adapter may keep the window
 * in memory, on disk, or in a server shared by several gateways, so nothing above it may assume that
 * this process is the only writer.
 */
export interface MessageLog {
  /** This lifetime of the sequence. */
  readonly epoch: string;
  /** The oldest offset still readable; `lastOffset + 1` when the window is empty. */
  readonly firstOffset: number;
  /** The newest offset; 0 before the first message. */
  readonly lastOffset: number;
  /** Bytes of payload and properties the window holds now. */
  readonly bytes: number;
  /** Appends that are not durable yet are over their bound: stop reading from publishers. */
  readonly isCongested: boolean;
  /** Calls back once, as soon as {@link isCongested} is false again. */
  whenRelieved(callback: () => void): void;
  /** Connects the bus; once, before the first append. */
  attach(listener: LogListener): void;
  /**
   * Offers a message to the sequence and copies what it keeps. Offsets follow call order. Throws
   * `store_unavailable` when nothing can be appended now; a later failure goes to the receipt.
   */
  append(draft: MessageDraft, receipt: Receipt | null): void;
  /**
   * The message at an offset, or `undefined` when it is outside the window and not kept. A message whose commit
   * failed stays here while the window reaches it, for the readers it was queued for; `read` reports
   * it as a gap to all others.
   */
  at(offset: number): Message | undefined;
  /**
   * What is on disk cannot be read for the moment: a message that {@link at} does not find may be there
   * all the same, and is not to be given up.
   */
  readonly isUnreadable?: boolean;
  /** Payload bytes at an offset in the window; 0 elsewhere. Costs no object. */
  sizeAt(offset: number): number;
  /** The topic at an offset in the window. Costs no object. */
  topicAt(offset: number): Topic | undefined;
  /** When the message at an offset expires (milliseconds since the epoch); `Infinity` for never. */
  expiresAt(offset: number): number;
  /** Matching messages after an offset; never scans messages of other topics for a sparse filter. */
  read(filters: FilterSet, after: number, limits: PageLimits): LogPage;
  /** The offset a reader with this cursor goes on after, or the gap it has to be told. */
  locate(position: Position): { readonly after: number } | { readonly gap: Gap };
  /**
   * Keeps a message readable by {@link at} beyond the window, once more for each call, until it is
   * released as often. For queues that outlive the window; called while the message can be read, as
   * in `evicting`, and for a retained message of any age. The body is stored once.
   */
  keep(message: Message): void;
  /** Takes one {@link keep} back; does nothing for an offset that is not kept. */
  release(offset: number): void;
}

/** The last retained message of each topic. Kept apart from the log's window. */
export interface RetainedStore {
  /** Topics that hold a retained message. */
  readonly count: number;
  /** Bytes of payload and properties of all of them, as `storedBytes` counts. */
  readonly bytes: number;
  get(topic: Topic): Message | undefined;
  set(message: Message): void;
  delete(topic: Topic): void;
  /** Retained messages under a filter, in no particular order. */
  match(filter: TopicFilter): Iterable<Message>;
}

/** Who a session is, for access control; `null` user is anonymous. */
export interface Identity {
  readonly user: string | null;
}

/** The identity of a session that gave no credentials. */
export const ANONYMOUS: Identity = Object.freeze({ user: null });

/** Asked when a message enters and again when it leaves. Synchronous, because delivery is. */
export interface AccessPolicy {
  mayPublish(identity: Identity, topic: Topic): boolean;
  /** Whether the identity may hold a subscription with this filter at all. */
  maySubscribe(identity: Identity, filter: TopicFilter): boolean;
  /** Asked for every delivery: live, retained, recovered, queued. */
  mayReceive(identity: Identity, topic: Topic): boolean;
}

/** Why a message was not delivered to a reader that asked for it. */
export type DropReason =
  | "slow_subscriber"
  | "drop_oldest"
  | "keep_latest"
  | "expired"
  | "too_large"
  | "session_expired"
  | "forbidden";

/** What the bus reports for the metrics. Calls are synchronous and must be cheap. */
export interface BusObserver {
  accepted(transport: TransportName, qos: QoS): void;
  refused(transport: TransportName, code: string): void;
  dropped(transport: TransportName, reason: DropReason, count: number): void;
  recovered(transport: TransportName, result: "complete" | GapReason): void;
}
