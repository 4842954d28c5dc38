import type { Bus, BusPage } from "../../bus/bus.ts";
import type { Identity } from "../../bus/ports.ts";
import type { Offerable } from "../../bus/subscription-index.ts";
import type { Flushable, FlushLoop } from "../flush-loop.ts";
import type { Releasable } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import type { Holdable, HoldTimers } from "./hold-timers.ts";
import type { PollQuery } from "./poll-query.ts";

/** What becomes of polls that were held. */
export interface PollAnswers {
  /** Something is there for all of them: messages, or a gap. */
  arrived(polls: Iterable<HeldPoll>, page: BusPage): void;
  /** Its hold has ended with nothing. */
  empty(poll: HeldPoll): void;
  /** The read failed; access may have been withdrawn. */
  refused(polls: Iterable<HeldPoll>, thrown: unknown): void;
  /** Its connection has closed. */
  left(poll: HeldPoll): void;
  /** No poll is in the group any more. */
  abandoned(group: PollGroup): void;
}

/** One poll that waits. */
export class HeldPoll implements Holdable, Releasable {
  readonly exchange: Exchange;
  readonly group: PollGroup;
  /** Milliseconds since the Unix epoch. */
  readonly heldSince: number;
  /** What {@link HoldTimers.cancel} wants. */
  tick = 0;

  constructor(exchange: Exchange, group: PollGroup, heldSince: number) {
    this.exchange = exchange;
    this.group = group;
    this.heldSince = heldSince;
  }

  holdEnded(): void {
    this.group.holdEnded(this);
  }

  /** Its connection has closed. */
  release(): void {
    this.group.release(this);
  }
}

/** What a group needs of its surroundings. */
export interface PollGroupContext {
  readonly bus: Bus;
  readonly flushLoop: FlushLoop;
  readonly timers: HoldTimers;
  readonly answers: PollAnswers;
  readonly maxBytes: number;
}

/**
 * Held polls that wait for the same: the same filters after the same position, for the same user.
 * They share one watch, one read and one answer, so that a message for a hundred pollers is looked
 * up and put together once.
 */
export class PollGroup implements Offerable, Flushable {
  readonly query: PollQuery;
  readonly identity: Identity;
  /** Everything up to here is known to hold nothing for them. */
  #after: number;
  readonly #context: PollGroupContext;
  readonly #polls = new Set<HeldPoll>();
  readonly #endWatch: () => void;
  #isFired = false;
  #isOver = false;

  /** Throws `forbidden`. `after` must be the newest offset: read and watch are one step. */
  constructor(query: PollQuery, identity: Identity, after: number, context: PollGroupContext) {
    this.query = query;
    this.identity = identity;
    this.#after = after;
    this.#context = context;
    this.#endWatch = context.bus.watch(identity, query.filters, this);
  }

  /** Something has arrived that is about to be answered: a new poll must look for itself. */
  get isFired(): boolean {
    return this.#isFired;
  }

  add(exchange: Exchange, holdMs: number, now: number): HeldPoll {
    const poll = new HeldPoll(exchange, this, now);
    this.#polls.add(poll);
    exchange.connection.hold(poll);
    poll.tick = this.#context.timers.add(poll, holdMs);
    return poll;
  }

  /** Takes a poll out without answering it. */
  remove(poll: HeldPoll): void {
    if (!this.#polls.delete(poll)) return;
    this.#letGo(poll);
    if (this.#polls.size === 0) this.#end();
  }

  /** Its connection has closed. */
  release(poll: HeldPoll): void {
    if (!this.#polls.has(poll)) return;
    this.remove(poll);
    this.#context.answers.left(poll);
  }

  /** Ends the watch when nobody waits on it. */
  endIfUnused(): void {
    if (this.#polls.size === 0) this.#end();
  }

  holdEnded(poll: HeldPoll): void {
    if (!this.#polls.has(poll)) return;
    if (this.#isFired) {
      // What has arrived is answered at the end of this turn; should it come to nothing, the next
      // tick ends the hold.
      poll.tick = this.#context.timers.add(poll, 0);
      return;
    }
    this.remove(poll);
    this.#context.answers.empty(poll);
  }

  offer(offset: number): void {
    if (this.#isFired) return;
    this.#isFired = true;
    // The watch has seen all before this one and wanted none of it, so that what the log's window
    // drops in a long hold is no gap.
    this.#after = Math.max(this.#after, offset - 1);
    this.#context.flushLoop.schedule(this);
  }

  /** Reads what has arrived, a whole burst at once, and answers every poll with it. */
  flush(): void {
    if (this.#isOver) return;
    const { bus, maxBytes, answers, flushLoop } = this.#context;
    const { filters, maxMessages } = this.query;
    try {
      const page = bus.read(this.identity, filters, this.#after, { maxMessages, maxBytes });
      if (page.messages.length === 0 && page.gap === null) {
        // Expired, or denied to this user: they wait on.
        this.#after = page.through;
        if (page.isUpToDate) this.#isFired = false;
        else flushLoop.schedule(this);
        return;
      }
      answers.arrived(this.#takeAll(), page);
    } catch (thrown) {
      answers.refused(this.#takeAll(), thrown);
    }
  }

  /** Takes every poll out, to be answered by the caller. */
  takeAll(): Iterable<HeldPoll> {
    return this.#takeAll();
  }

  #takeAll(): Iterable<HeldPoll> {
    const polls = [...this.#polls];
    this.#polls.clear();
    for (const poll of polls) this.#letGo(poll);
    this.#end();
    return polls;
  }

  #letGo(poll: HeldPoll): void {
    this.#context.timers.cancel(poll, poll.tick);
    poll.exchange.connection.unhold(poll);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endWatch();
    this.#context.answers.abandoned(this);
  }
}
