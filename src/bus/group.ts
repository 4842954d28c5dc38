import { type KeptMessages, keepMessages } from "./kept-messages.ts";
import { expiresAt, type Message, type TransportName } from "./message.ts";
import { BoundedQueue, type QueuedMessages, type QueueLimits } from "./overflow.ts";
import type { DropReason, Identity } from "./ports.ts";
import type { ReaderContext } from "./reader.ts";
import type { Offerable } from "./subscription-index.ts";
import type { Topic } from "./topic.ts";

/** One session's share in a group. */
export interface GroupMember {
  readonly transport: TransportName;
  /** Asked for at each delivery, so it may change. */
  readonly identity: Identity;
  /** Whether it takes another message now; `false` for a session that is not connected. */
  readonly hasRoom: boolean;
  /**
   * Hands the member a message to deliver and then to acknowledge. May be called inside the fan-out
   * and before `joinGroup` has returned: it takes note, and may acknowledge at once.
   */
  offer(offset: number, membership: GroupMembership): void;
}

/** What a member may do until it leaves; afterwards every call does nothing. */
export interface GroupMembership {
  /** A message the group holds or the log has. */
  messageAt(offset: number): Message | undefined;
  /** The message has reached its reader (QoS 0: was written); it will be given to nobody else. */
  acknowledge(offset: number): void;
  /** The member has room again. */
  ready(): void;
  /** What was not acknowledged goes to another member, before anything newer. */
  leave(): void;
}

/** Bounds on groups, over all clients. */
export interface GroupLimits {
  readonly maxGroups: number;
  readonly maxMembersPerGroup: number;
  /** Messages one member may hold unacknowledged, whatever room it says it has. */
  readonly maxUnacknowledgedPerMember: number;
}

/** What a group needs of the bus. */
export type GroupContext = Pick<ReaderContext, "log" | "policy" | "observer" | "now">;

interface Member {
  readonly member: GroupMember;
  readonly membership: GroupMembership;
  readonly unacknowledged: Set<number>;
}

/**
 * A subscription shared by several sessions (MQTT 5 §4.8.2): each message goes to one of them, in
 * turn among those with room. While none has room the messages wait in one bounded queue, whose
 * oldest give way, counted, when it is full. A message is given up by a member that leaves before it
 * acknowledged, and then goes first: everything returned is older than everything queued.
 */
export class Group implements Offerable, QueuedMessages {
  readonly #context: GroupContext;
  readonly #limits: GroupLimits;
  readonly #transport: TransportName;
  readonly #onEmpty: () => void;
  readonly #queue: BoundedQueue;
  readonly #members: Member[] = [];
  #returned: number[] = [];
  #kept: KeptMessages | null = null;
  /** The member whose turn it is. */
  #turn = 0;
  #isDispatching = false;

  /** @param options.transport what its drops are counted under: that of its first member. */
  constructor(options: {
    readonly context: GroupContext;
    readonly limits: GroupLimits;
    readonly queue: QueueLimits;
    readonly transport: TransportName;
    readonly onEmpty: () => void;
  }) {
    this.#context = options.context;
    this.#limits = options.limits;
    this.#transport = options.transport;
    this.#onEmpty = options.onEmpty;
    this.#queue = new BoundedQueue(options.queue, this);
  }

  get memberCount(): number {
    return this.#members.length;
  }

  /** Messages no member has. */
  get waitingCount(): number {
    return this.#returned.length + this.#queue.length;
  }

  join(member: GroupMember): GroupMembership {
    const membership: GroupMembership = {
      messageAt: (offset) => this.messageAt(offset),
      acknowledge: (offset) => this.#acknowledge(joined, offset),
      ready: () => this.#dispatch(),
      leave: () => this.#leave(joined),
    };
    const joined: Member = { member, membership, unacknowledged: new Set() };
    this.#members.push(joined);
    this.#dispatch();
    return membership;
  }

  offer(offset: number, bytes: number, topic: Topic): void {
    const wasWaiting = this.waitingCount > 0;
    while (!this.#queue.hasRoomFor(bytes)) this.#drop(this.#queue.shift(), "drop_oldest");
    this.#queue.push(offset, bytes, topic);
    // Whoever waits already waits for room, which only an acknowledgement or `ready` brings.
    if (!wasWaiting) this.#dispatch();
  }

  messageAt(offset: number): Message | undefined {
    return this.#kept?.get(offset) ?? this.#context.log.at(offset);
  }

  sizeAt(offset: number): number {
    return this.#kept?.get(offset)?.payload.length ?? this.#context.log.sizeAt(offset);
  }

  topicAt(offset: number): Topic | undefined {
    return this.#kept?.get(offset)?.topic ?? this.#context.log.topicAt(offset);
  }

  /** Copies what the group and its members hold below `firstOffset`, which the log is about to drop. */
  keepBelow(firstOffset: number): void {
    const lists: Iterable<number>[] = [this.#returned, this.#queue.offsets()];
    for (const { unacknowledged } of this.#members) {
      // Redelivery puts older offsets behind newer ones.
      lists.push([...unacknowledged].sort((a, b) => a - b));
    }
    this.#kept = keepMessages(this.#context.log, this.#kept, lists, firstOffset);
  }

  #dispatch(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      while (this.waitingCount > 0 && this.#dispatchNext());
    } finally {
      this.#isDispatching = false;
    }
  }

  /** Gives away or drops the oldest waiting message; `false` when it has to wait. */
  #dispatchNext(): boolean {
    const offset = this.#returned[0] ?? this.#queue.peek();
    if (this.#isExpired(offset)) {
      this.#drop(this.#take(), "expired");
      return true;
    }
    const chosen = this.#choose(offset);
    if (chosen === "forbidden") {
      this.#drop(this.#take(), "forbidden");
      return true;
    }
    if (chosen === null) return false;
    this.#take();
    chosen.unacknowledged.add(offset);
    chosen.member.offer(offset, chosen.membership);
    return true;
  }

  #take(): number {
    return this.#returned.shift() ?? this.#queue.shift();
  }

  /** The next member in turn that may receive the message and has room. */
  #choose(offset: number): Member | "forbidden" | null {
    const { policy } = this.#context;
    const topic = policy === null ? undefined : this.topicAt(offset);
    const count = this.#members.length;
    let mayAnyone = false;
    for (let i = 0; i < count; i += 1) {
      const index = (this.#turn + i) % count;
      const each = this.#members[index];
      if (each === undefined) continue;
      if (policy !== null && topic !== undefined) {
        if (!policy.mayReceive(each.member.identity, topic)) continue;
      }
      mayAnyone = true;
      if (each.unacknowledged.size >= this.#limits.maxUnacknowledgedPerMember) continue;
      if (!each.member.hasRoom) continue;
      this.#turn = (index + 1) % count;
      return each;
    }
    return mayAnyone ? null : "forbidden";
  }

  #acknowledge(member: Member, offset: number): void {
    if (!member.unacknowledged.delete(offset)) return;
    this.#kept?.delete(offset);
    this.#dispatch();
  }

  #leave(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    if (index < this.#turn) this.#turn -= 1;
    if (this.#members.length === 0) {
      this.#end();
      return;
    }
    this.#turn %= this.#members.length;
    this.#returned = [...this.#returned, ...member.unacknowledged].sort((a, b) => a - b);
    member.unacknowledged.clear();
    this.#dispatch();
  }

  #end(): void {
    this.#returned = [];
    this.#queue.clear();
    this.#kept = null;
    this.#onEmpty();
  }

  #isExpired(offset: number): boolean {
    const kept = this.#kept?.get(offset);
    const end = kept === undefined ? this.#context.log.expiresAt(offset) : expiresAt(kept);
    return end !== Number.POSITIVE_INFINITY && this.#context.now() >= end;
  }

  #drop(offset: number, reason: DropReason): void {
    this.#kept?.delete(offset);
    this.#context.observer.dropped(this.#transport, reason, 1);
  }
}
