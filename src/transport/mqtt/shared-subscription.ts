import type { Bus } from "../../bus/bus.ts";
import type { GroupMember, GroupMembership } from "../../bus/group.ts";
import type { Message, QoS, TransportName } from "../../bus/message.ts";
import type { Identity } from "../../bus/ports.ts";
import type { TopicFilter } from "../../bus/topic.ts";

/** The session, as its share in a group sees it. */
export interface SharingSession {
  readonly transport: TransportName;
  readonly identity: Identity;
  /** Connected, and with room for one more. */
  readonly hasRoomForShared: boolean;
  /** Takes a message to deliver; `onDone` when it is acknowledged, or given up by policy. */
  takeShared(message: Message, granted: QoS, onDone: () => void): void;
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
export class SharedSubscription implements GroupMember {
  readonly #session: SharingSession;
  readonly #granted: QoS;
  readonly #membership: GroupMembership;

  /** Throws `forbidden` or `limit_exceeded`. */
  constructor(bus: Bus, group: string, filter: TopicFilter, granted: QoS, session: SharingSession) {
    this.#session = session;
    this.#granted = granted;
    this.#membership = bus.joinGroup(group, filter, this);
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
    const message = membership.messageAt(offset);
    const done = () => membership.acknowledge(offset);
    if (message === undefined) {
      done();
      return;
    }
    const kept = { ...message, payload: message.payload.slice() };
    this.#session.takeShared(kept, this.#granted, done);
  }

  /** The session has room again. */
  ready(): void {
    this.#membership.ready();
  }

  /** What was not acknowledged goes to another member. */
  leave(): void {
    this.#membership.leave();
  }
}
