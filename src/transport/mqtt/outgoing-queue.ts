import type { QoS } from "../../bus/message.ts";
import type { RestoredSession, StoredSession } from "../../bus/session-store.ts";
import { type BodyKeeper, OutgoingBodies } from "./outgoing-bodies.ts";
import { OutgoingNotes, type ShareOwner } from "./outgoing-notes.ts";
import { EntryRing, FLAG, STATE } from "./outgoing-ring.ts";

/** Bounds of one session's queue. */
export interface OutgoingLimits {
  readonly maxInflight: number;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
}

/** What may be asked about an entry. */
export type Entries = Pick<EntryRing, "offsetAt" | "qosAt" | "stateAt" | "has">;

/** What is queued beside an offset. */
export interface NewEntry {
  readonly offset: number;
  readonly bytes: number;
  /** The lower of the published and the highest granted one; 0 only for what a group gave. */
  readonly qos: QoS;
  /** To be sent with RETAIN. */
  readonly isRetained: boolean;
  /** Subscription identifier of the filter that matched; 0 for none. */
  readonly subscriptionId: number;
}

/** Packet ids are given out in turn, so that an id says which of the last so many entries it is. */
const MAX_PACKET_ID = 65_535;

/**
 * The messages of QoS 1 and 2 one session has not acknowledged, as offsets: an entry is 13 bytes in a
 * ring, indexed by its sequence, which rises by one for the life of the session. The packet id follows
 * from the sequence, so that it survives a restart unstored and an acknowledgement finds its entry at
 * once. Entries leave in any order; the ring reaches from the oldest that has not.
 */
export class OutgoingQueue {
  readonly #limits: OutgoingLimits;
  readonly #bodies: OutgoingBodies;
  /** `null` for a session that ends with the process. */
  readonly #stored: StoredSession | null;
  readonly #ring = new EntryRing();
  readonly #notes = new OutgoingNotes();
  /** Deliveries that may be unacknowledged on this connection. */
  #window: number;
  /** The next entry to send on this connection; those before it have been sent on it. */
  #next = 1;
  /** Everything from here on has never been sent. */
  #fresh = 1;
  /** No entry before this one can be dropped: they were sent, are over, or are of a new subscription. */
  #dropFrom = 1;
  #length = 0;
  /** Entries of {@link length} whose body is still with the retained store. */
  #answers = 0;
  /** Entries of {@link length} that were sent on this connection. */
  #open = 0;

  constructor(limits: OutgoingLimits, keeper: BodyKeeper, stored: StoredSession | null) {
    this.#limits = limits;
    this.#bodies = new OutgoingBodies(this.#ring, keeper);
    this.#stored = stored;
    this.#window = limits.maxInflight;
  }

  /** Entries not done. */
  get length(): number {
    return this.#length;
  }

  /** Entries not sent on this connection. */
  get waiting(): number {
    return this.#length - this.#open;
  }

  /** Whether another message may be sent now. */
  get hasWindow(): boolean {
    return this.#open < this.#window && this.#next - this.#ring.first < MAX_PACKET_ID;
  }

  /** The oldest entry that has not been sent on this connection; 0 when none waits. */
  get nextSequence(): number {
    const { last } = this.#ring;
    while (this.#next <= last && this.#ring.stateAt(this.#next) === STATE.done) this.#next += 1;
    return this.#next <= last ? this.#next : 0;
  }

  /** Its offset; `Infinity` when none waits. */
  get nextOffset(): number {
    const sequence = this.nextSequence;
    return sequence === 0 ? Number.POSITIVE_INFINITY : this.#ring.offsetAt(sequence);
  }

  get entries(): Entries {
    return this.#ring;
  }

  subscriptionIdsAt(sequence: number): readonly number[] {
    return this.#notes.idsAt(sequence);
  }

  /** Whether it may be sent now: one of QoS 2 is to be durable first, as its packet id is a promise. */
  maySendNow(sequence: number): boolean {
    if (this.#stored === null || this.#ring.qosAt(sequence) < 2) return true;
    return this.#stored.durableThrough >= sequence;
  }

  /** Whether one more message of this size is within the bounds. One is always let in. */
  hasRoomFor(bytes: number): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits;
    const length = this.#length - this.#answers;
    if (length === 0) return true;
    return length < maxQueuedMessages && this.#bodies.bytes + bytes <= maxQueuedBytes;
  }

  /**
   * Another filter of the session matches the message queued last: it is delivered once, with the
   * higher QoS and the identifiers of both. `false` when the newest entry is not this message.
   */
  merge(entry: NewEntry): boolean {
    const ring = this.#ring;
    const { last } = ring;
    if (ring.stateAt(last) !== STATE.waiting || ring.offsetAt(last) !== entry.offset) return false;
    if (ring.has(last, FLAG.shared | FLAG.answer)) return false;
    const raised = ring.raise(last, entry.qos, entry.isRetained);
    const isNewId = entry.subscriptionId !== 0 && this.#notes.addId(last, entry.subscriptionId);
    if (raised || isNewId) this.#note(last);
    return true;
  }

  /** Queues a message of the fan-out, and returns its sequence. */
  push(entry: NewEntry): number {
    const sequence = this.#append(entry.offset, entry.qos, entry.isRetained ? FLAG.retained : 0);
    this.#bodies.add(sequence, entry.bytes);
    if (entry.subscriptionId !== 0) this.#notes.addId(sequence, entry.subscriptionId);
    if (entry.qos > 0) this.#note(sequence);
    return sequence;
  }

  /** Queues a message that a group gave to this session. */
  pushShared(entry: NewEntry, owner: ShareOwner): void {
    const sequence = this.push(entry);
    this.adopt(sequence, owner);
  }

  /**
   * Queues a retained message that answers a subscription. Its body stays with the retained store
   * until its turn comes; it does not count against the bounds, as the retained store has its own.
   */
  pushAnswer(offset: number, qos: 1 | 2, subscriptionId: number): number {
    const sequence = this.#append(offset, qos, FLAG.retained | FLAG.answer);
    this.#answers += 1;
    if (subscriptionId !== 0) this.#notes.addId(sequence, subscriptionId);
    this.#note(sequence);
    return sequence;
  }

  /** The body of an answer is kept from here on; the caller has done so. */
  keptAnswer(sequence: number): void {
    this.#answers -= 1;
    this.#ring.clear(sequence, FLAG.answer);
    this.#ring.set(sequence, FLAG.kept);
  }

  /** The entry {@link nextSequence} is in the write. */
  take(sequence: number): void {
    if (this.#ring.stateAt(sequence) === STATE.waiting) {
      this.#ring.setState(sequence, STATE.inFlight);
    }
    this.#open += 1;
    this.#next = sequence + 1;
    if (this.#fresh <= sequence) this.#fresh = sequence + 1;
  }

  /** Everything up to here was sent; told once a write, as it is only to be known after a crash. */
  noteSent(): void {
    if (this.#stored !== null && this.#fresh > 1) this.#stored.sent(this.#fresh - 1);
  }

  /** PUBACK, or the PUBCOMP that ends QoS 2. False for an id that is not in flight with that QoS. */
  acknowledge(packetId: number, qos: 1 | 2): boolean {
    const sequence = this.#inFlight(packetId, qos);
    if (sequence === 0) return false;
    this.finish(sequence);
    return true;
  }

  /** PUBREC: the client has the message, what remains is the handshake. False for an unknown id. */
  received(packetId: number): boolean {
    const sequence = this.#inFlight(packetId, 2);
    if (sequence === 0) return false;
    if (this.#ring.stateAt(sequence) === STATE.received) return true;
    this.#ring.setState(sequence, STATE.received);
    this.#bodies.release(sequence);
    this.#stored?.received(sequence);
    return true;
  }

  /** The entry is over: acknowledged, or not to be delivered. */
  finish(sequence: number): void {
    const ring = this.#ring;
    if (ring.stateAt(sequence) === STATE.done) return;
    const offset = ring.offsetAt(sequence);
    this.#bodies.release(sequence);
    if (ring.has(sequence, FLAG.answer)) this.#answers -= 1;
    const owner = this.#notes.forget(sequence);
    if (sequence < this.#next) this.#open -= 1;
    this.#length -= 1;
    if (ring.qosAt(sequence) > 0) this.#stored?.done(sequence);
    ring.finish(sequence);
    if (this.#next < ring.first) this.#next = ring.first;
    owner?.done(offset);
  }

  /**
   * Drops the oldest message that was never sent. Returns how many were dropped: none when all were
   * sent. When the entries reach too far back, the very oldest goes, sent or not.
   */
  dropOldest(): number {
    const { first, last } = this.#ring;
    if (this.isStretched) {
      const isDelivered = this.#ring.stateAt(first) === STATE.received;
      this.finish(first);
      return isDelivered ? 0 : 1;
    }
    let sequence = Math.max(this.#dropFrom, this.#fresh, first);
    while (sequence <= last && !this.#mayDrop(sequence)) sequence += 1;
    this.#dropFrom = sequence;
    if (sequence > last) return 0;
    this.finish(sequence);
    return 1;
  }

  /** Whether the ring reaches as far back as packet ids and bounds allow. */
  get isStretched(): boolean {
    return this.#ring.last - this.#ring.first >= MAX_PACKET_ID + this.#limits.maxQueuedMessages;
  }

  /** A new connection: what is in flight is due again, in the order in which it was first sent. */
  resume(window: number): void {
    this.#window = Math.min(window, this.#limits.maxInflight);
    this.#next = this.#ring.first;
    this.#open = 0;
  }

  /** Messages the client does not have and no member of a group will get in its place. */
  get undelivered(): number {
    let count = 0;
    for (const sequence of this.sequences()) {
      if (this.#ring.stateAt(sequence) === STATE.received) continue;
      if (!this.#ring.has(sequence, FLAG.shared)) count += 1;
    }
    return count;
  }

  /** Everything that is not done, in order; entries may be finished meanwhile. */
  *sequences(): Generator<number> {
    for (let s = this.#ring.first; s <= this.#ring.last; s += 1) {
      if (this.#ring.stateAt(s) !== STATE.done) yield s;
    }
  }

  /** What this owner gave and has not been told the end of. */
  sharedBy(owner: ShareOwner): readonly number[] {
    return this.#notes.ownedBy(owner);
  }

  /** The entry becomes the session's own: it is not the group's any longer. */
  disown(sequence: number): void {
    this.#notes.setOwner(sequence, null);
    this.#ring.clear(sequence, FLAG.shared);
  }

  /** An entry of an earlier process came from a group. */
  adopt(sequence: number, owner: ShareOwner): void {
    this.#ring.set(sequence, FLAG.shared);
    this.#notes.setOwner(sequence, owner);
  }

  /** Takes up what an earlier process left; once, before anything else. */
  restore({ entries, lastSequence }: RestoredSession): void {
    const oldest = entries[0]?.sequence ?? lastSequence + 1;
    this.#ring.restore(oldest, lastSequence);
    this.#next = oldest;
    this.#fresh = oldest;
    for (const { sequence, offset, qos, isRetained, isSent, isReceived, ...rest } of entries) {
      const state = isReceived ? STATE.received : isSent ? STATE.inFlight : STATE.waiting;
      this.#ring.put(sequence, offset, qos | (isRetained ? FLAG.retained : 0) | state);
      this.#length += 1;
      if (isSent || isReceived) this.#fresh = sequence + 1;
      for (const id of rest.subscriptionIds) this.#notes.addId(sequence, id);
      if (isReceived || this.#bodies.restore(sequence)) continue;
      // Only an answer that the retained store still has can be neither in the window nor kept.
      this.#ring.set(sequence, FLAG.answer);
      this.#answers += 1;
    }
  }

  /** The process ends: what is kept stays so for the next one. */
  suspend(): void {
    this.#bodies.end();
  }

  /** Forgets everything, and tells no owner. */
  clear(): void {
    for (const sequence of this.sequences()) this.#bodies.release(sequence);
    this.#bodies.end();
    this.#notes.clear();
    this.#ring.restore(this.#ring.last + 1, this.#ring.last);
    this.#next = this.#ring.first;
    this.#length = 0;
    this.#open = 0;
    this.#answers = 0;
  }

  #append(offset: number, qos: QoS, flags: number): number {
    const sequence = this.#ring.append(offset, qos | flags);
    this.#length += 1;
    return sequence;
  }

  #note(sequence: number): void {
    this.#stored?.push({
      sequence,
      offset: this.#ring.offsetAt(sequence),
      qos: this.#ring.qosAt(sequence),
      isRetained: this.#ring.has(sequence, FLAG.retained),
      subscriptionIds: this.subscriptionIdsAt(sequence),
    });
  }

  /** The entry in flight with this packet id and QoS; 0 for none. */
  #inFlight(packetId: number, qos: 1 | 2): number {
    const { first } = this.#ring;
    const sequence = first + ((packetId - packetIdOf(first) + MAX_PACKET_ID) % MAX_PACKET_ID);
    if (sequence >= this.#fresh || sequence > this.#ring.last || packetId === 0) return 0;
    const state = this.#ring.stateAt(sequence);
    if (state !== STATE.inFlight && state !== STATE.received) return 0;
    return this.#ring.qosAt(sequence) === qos ? sequence : 0;
  }

  #mayDrop(sequence: number): boolean {
    return this.#ring.stateAt(sequence) === STATE.waiting && !this.#ring.has(sequence, FLAG.answer);
  }
}

/** The packet id of an entry, which it keeps for life. */
export function packetIdOf(sequence: number): number {
  return ((sequence - 1) % MAX_PACKET_ID) + 1;
}
