import { GroupBodies } from "./group-bodies.ts";
import { GroupRecord } from "./group-record.ts";
import type { LastingSessions } from "./lasting-sessions.ts";
import type { Message, TransportName } from "./message.ts";
import { BoundedQueue, type QueueLimits } from "./overflow.ts";
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
   * Whether what it is given is stored before it returns, and outlives the process with it. A group
   * with such a member outlives the process, too.
   */
  readonly isStored?: boolean;
  /**
   * Hands the member a message to deliver and then to acknowledge. May be called inside the fan-out
   * and before `joinGroup` has returned: it takes note, and may acknowledge at once.
   */
  offer(offset: number, membership: GroupMembership): void;
  /** What comes next cannot be read for the moment: the member asks again, by `ready`, in a while. */
  waits?(): void;
  /** The group's queue has begun to drop messages; told to one member, once until it is empty again. */
  overflowed?(): void;
}

/** What a member may do until it leaves; afterwards every call does nothing. */
export interface GroupMembership {
  /** A message the group holds or the log has. */
  messageAt(offset: number): Message | undefined;
  /** The message has reached its reader (QoS 0: was written); it will be given to nobody else. */
  acknowledge(offset: number): void;
  /** A message that an earlier process gave this member, which has stored it since. */
  resume(offset: number): void;
  /** The member has room again. */
  ready(): void;
  /** What was not acknowledged goes to another member, before anything newer. */
  leave(): void;
  /** The process ends: nothing is given back, and a stored group stays for the next one. */
  suspend(): void;
}

/** Bounds on groups, over all clients. */
export interface GroupLimits {
  readonly maxGroups: number;
  readonly maxMembersPerGroup: number;
  /** Messages one member may hold unacknowledged, whatever room it says it has. */
  readonly maxUnacknowledgedPerMember: number;
}

/** What a group needs of the bus. */
export type GroupContext = Pick<ReaderContext, "log" | "policy" | "observer" | "now"> & {
  readonly sessions: LastingSessions;
};

interface Member {
  readonly member: GroupMember;
  readonly membership: GroupMembership;
  readonly isStored: boolean;
  readonly unacknowledged: Set<number>;
}

/**
 * A subscription shared by several sessions (MQTT 5 §4.8.2): each message goes to one of them, in
 * turn among those with room. While none has room the messages wait in one bounded queue, whose
 * oldest give way, counted, when it is full. A message is given up by a member that leaves before it
 * acknowledged, and then goes first: everything returned is older than everything queued.
 */
export class Group implements Offerable {
  readonly #context: GroupContext;
  readonly #limits: GroupLimits;
  readonly #transport: TransportName;
  readonly #onEmpty: () => void;
  readonly #bodies: GroupBodies;
  readonly #record: GroupRecord;
  readonly #queue: BoundedQueue;
  readonly #members: Member[] = [];
  #returned: number[] = [];
  /** The member whose turn it is. */
  #turn = 0;
  #isDispatching = false;
  #isOverflowing = false;

  /**
   * @param options.name unique among all groups; what it is stored under.
   * @param options.transport what its drops are counted under: that of its first member.
   */
  constructor(options: {
    readonly name: string;
    readonly context: GroupContext;
    readonly limits: GroupLimits;
    readonly queue: QueueLimits;
    readonly transport: TransportName;
    readonly onEmpty: () => void;
  }) {
    const { context } = options;
    this.#context = context;
    this.#limits = options.limits;
    this.#transport = options.transport;
    this.#onEmpty = options.onEmpty;
    this.#bodies = new GroupBodies(context.log, context.sessions, () => this.#held());
    this.#record = new GroupRecord(options.name, context.sessions);
    this.#queue = new BoundedQueue(options.queue, this.#bodies);
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
      messageAt: (offset) => this.#context.log.at(offset),
      acknowledge: (offset) => this.#acknowledge(joined, offset),
      resume: (offset) => {
        joined.unacknowledged.add(offset);
        this.#bodies.take(offset);
      },
      ready: () => this.#dispatch(),
      leave: () => this.#leave(joined),
      suspend: () => this.#suspend(joined),
    };
    const isStored = member.isStored ?? false;
    const joined: Member = { member, membership, isStored, unacknowledged: new Set() };
    this.#members.push(joined);
    if (isStored) this.#beginRecord();
    this.#dispatch();
    return membership;
  }

  offer(offset: number, bytes: number, topic: Topic): void {
    const wasWaiting = this.waitingCount > 0;
    while (!this.#queue.hasRoomFor(bytes)) {
      this.#noteOverflow();
      this.#drop(this.#queue.shift(), "drop_oldest");
    }
    this.#queue.push(offset, bytes, topic);
    if (!wasWaiting) this.#isOverflowing = false;
    this.#record.offered(offset);
    // Whoever waits already waits for room, which only an acknowledgement or `ready` brings.
    if (!wasWaiting) this.#dispatch();
    this.#record.offerEnded();
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
    if (this.#context.now() >= this.#bodies.expiresAt(offset)) {
      this.#drop(this.#take(), "expired");
      return true;
    }
    const chosen = this.#choose(offset);
    if (chosen === "forbidden") {
      this.#drop(this.#take(), "forbidden");
      return true;
    }
    if (chosen === null) return false;
    if (this.#context.sessions.isUnreadable && this.#bodies.topicAt(offset) === undefined) {
      chosen.member.waits?.();
      return false;
    }
    this.#take();
    chosen.unacknowledged.add(offset);
    chosen.member.offer(offset, chosen.membership);
    // Stored by the member by now, in the same turn: it has exactly one owner at any time.
    if (chosen.isStored) this.#record.done(offset);
    return true;
  }

  #take(): number {
    return this.#returned.shift() ?? this.#queue.shift();
  }

  /** The next member in turn that may receive the message and has room. */
  #choose(offset: number): Member | "forbidden" | null {
    const { policy } = this.#context;
    const topic = policy === null ? undefined : this.#bodies.topicAt(offset);
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
    this.#over(offset);
    this.#dispatch();
  }

  #leave(member: Member): void {
    if (!this.#remove(member)) return;
    if (this.#members.length === 0) {
      this.#end();
      return;
    }
    for (const offset of member.unacknowledged) this.#record.add(offset);
    this.#returned = [...this.#returned, ...member.unacknowledged].sort((a, b) => a - b);
    member.unacknowledged.clear();
    if (!this.#members.some(({ isStored }) => isStored)) this.#record.end();
    this.#dispatch();
  }

  #suspend(member: Member): void {
    if (!this.#remove(member) || this.#members.length > 0) return;
    this.#bodies.leave();
    this.#onEmpty();
  }

  #remove(member: Member): boolean {
    const index = this.#members.indexOf(member);
    if (index < 0) return false;
    this.#members.splice(index, 1);
    if (index < this.#turn) this.#turn -= 1;
    this.#turn %= Math.max(1, this.#members.length);
    return true;
  }

  #end(): void {
    this.#record.end();
    this.#returned = [];
    this.#queue.clear();
    this.#bodies.end();
    this.#onEmpty();
  }

  /** A member that outlives the process has joined: so does what the group holds, from here on. */
  #beginRecord(): void {
    if (this.#record.isBegun) return;
    const held = this.#members.filter(({ isStored }) => !isStored);
    const waiting = [...this.#returned, ...this.#queue.offsets()];
    const unacknowledged = held.flatMap((each) => [...each.unacknowledged]);
    const restored = this.#record.begin([...unacknowledged, ...waiting]);
    for (const offset of restored) {
      if (this.#bodies.take(offset)) this.#returned.push(offset);
      else this.#record.done(offset);
    }
    this.#returned.sort((a, b) => a - b);
  }

  /** Every offset held; the queue's rise. */
  *#held(): Iterable<number> {
    yield* this.#returned;
    for (const { unacknowledged } of this.#members) yield* unacknowledged;
    yield* this.#queue.offsets();
  }

  #noteOverflow(): void {
    if (this.#isOverflowing) return;
    this.#isOverflowing = true;
    this.#members[0]?.member.overflowed?.();
  }

  #drop(offset: number, reason: DropReason): void {
    this.#over(offset);
    this.#context.observer.dropped(this.#transport, reason, 1);
  }

  #over(offset: number): void {
    this.#bodies.release(offset);
    this.#record.done(offset);
  }
}
