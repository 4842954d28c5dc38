import type { Bus } from "../../bus/bus.ts";
import type { GroupMember, GroupMembership } from "../../bus/group.ts";
import type { QoS, TransportName } from "../../bus/message.ts";
import type { Identity } from "../../bus/ports.ts";
import type { ShareOwner } from "./outgoing-notes.ts";
import type { NewEntry, OutgoingQueue } from "./outgoing-queue.ts";
import { STATE } from "./outgoing-ring.ts";
import type { ShareState } from "./session-state.ts";

/** The session, as its share in a group sees it. */
export interface SharingSession {
  readonly transport: TransportName;
  readonly identity: Identity;
  /** Its queue outlives the process. */
  readonly isStored: boolean;
  /** Connected, and with room for one more. */
  readonly hasRoomForShared: boolean;
  /** Queues a message to deliver; the owner is told when it is acknowledged, or given up by policy. */
  takeShared(entry: NewEntry, owner: ShareOwner): void;
  groupOverflowed(name: string): void;
  /** To be woken in a while: the store cannot be read for the moment. */
  groupWaits(): void;
}

const PREFIX = "$share/";

/** The parts of `$share/{name}/{filter}` (MQTT 5 §4.8.2). */
export interface SharedName {
  readonly group: string;
  readonly filter: string;
}

/** `null` when the text names no shared subscription; empty parts are left for the caller to refuse. */
export function parseSharedName(text: string): SharedName | null {
  if (!text.startsWith(PREFIX)) return null;
  const end = text.indexOf("/", PREFIX.length);
  const group = end < 0 ? text.slice(PREFIX.length) : text.slice(PREFIX.length, end);
  return { group, filter: end < 0 ? "" : text.slice(end + 1) };
}

/** Whether a group may have this name: something, without a wildcard [MQTT-4.8.2-1] [MQTT-4.8.2-2]. */
export function isGroupName(name: string): boolean {
  return name.length > 0 && !/[+#]/.test(name);
}

/**
 * One session's share in a group. A persistent session stays a member while it is away, without
 * room: the group keeps what nobody takes.
 */
export class SharedSubscription implements GroupMember, ShareOwner {
  readonly state: ShareState;
  readonly isStored: boolean;
  readonly #session: SharingSession;
  #membership: GroupMembership;

  /** Throws `forbidden` or `limit_exceeded`. */
  constructor(bus: Bus, state: ShareState, session: SharingSession) {
    this.state = state;
    this.isStored = session.isStored;
    this.#session = session;
    this.#membership = NOT_YET;
    this.#membership = bus.joinGroup(state.group, state.filter, this);
  }

  get transport(): TransportName {
    return this.#session.transport;
  }

  get identity(): Identity {
    return this.#session.identity;
  }

  get hasRoom(): boolean {
    return this.#session.hasRoomForShared;
  }

  offer(offset: number, membership: GroupMembership): void {
    this.#membership = membership;
    const message = membership.messageAt(offset);
    if (message === undefined) {
      membership.acknowledge(offset);
      return;
    }
    const { qos, id, retainAsPublished } = this.state;
    const entry: NewEntry = {
      offset,
      bytes: message.payload.length,
      qos: lower(message.qos, qos),
      isRetained: retainAsPublished && message.retain,
      subscriptionId: id,
    };
    this.#session.takeShared(entry, this);
  }

  done(offset: number): void {
    this.#membership.acknowledge(offset);
  }

  waits(): void {
    this.#session.groupWaits();
  }

  overflowed(): void {
    this.#session.groupOverflowed(this.state.name);
  }

  /** A message that an earlier process gave to this share. */
  resume(offset: number): void {
    this.#membership.resume(offset);
  }

  /** The session has room again. */
  ready(): void {
    this.#membership.ready();
  }

  /**
   * The client has unsubscribed: what was sent is completed by the session, as its own; what was not
   * goes to another member.
   */
  leave(queue: OutgoingQueue): void {
    for (const sequence of queue.sharedBy(this)) {
      const offset = queue.entries.offsetAt(sequence);
      const isSent = queue.entries.stateAt(sequence) !== STATE.waiting;
      queue.disown(sequence);
      if (isSent) this.#membership.acknowledge(offset);
      else queue.finish(sequence);
    }
    this.#membership.leave();
  }

  /**
   * The session ends: what was not acknowledged goes to another member, but for QoS 2 that was sent,
   * which nobody else may get [MQTT-4.8.2-5].
   */
  end(queue: OutgoingQueue): void {
    for (const sequence of queue.sharedBy(this)) {
      const isSent = queue.entries.stateAt(sequence) !== STATE.waiting;
      if (!isSent || queue.entries.qosAt(sequence) < 2) continue;
      this.#membership.acknowledge(queue.entries.offsetAt(sequence));
    }
    this.#membership.leave();
  }

  /** The process ends, and the session with its share outlives it. */
  suspend(): void {
    this.#membership.suspend();
  }
}

function lower(published: QoS, granted: QoS): QoS {
  if (published < granted) return published;
  return granted;
}

/** Until the group has answered. */
const NOT_YET: GroupMembership = {
  messageAt: () => undefined,
  acknowledge: () => undefined,
  resume: () => undefined,
  ready: () => undefined,
  leave: () => undefined,
  suspend: () => undefined,
};
