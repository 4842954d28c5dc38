import type { BusPage } from "../../bus/bus.ts";
import type { Message } from "../../bus/message.ts";
import type { Gap, Identity } from "../../bus/ports.ts";
import { GatewayError } from "../../errors.ts";
import type { HoldOutcome, TransportContext } from "../transport.ts";
import type { Exchange } from "./exchange.ts";
import { HoldTimers } from "./hold-timers.ts";
import type { HttpSettings } from "./options.ts";
import { type HeldPoll, type PollAnswers, PollGroup, type PollGroupContext } from "./poll-group.ts";
import { PollGroups } from "./poll-groups.ts";
import { PollPages } from "./poll-page.ts";
import { PollQueries, type PollQuery } from "./poll-query.ts";

/** Polls one connection may have pipelined and held; browsers and libraries send one at a time. */
const MAX_HELD_PER_CONNECTION = 16;

/** Steps of reading that may yield nothing (expired, denied) before the poll is answered anyway. */
const MAX_EMPTY_PAGES = 8;

/** `GET /v1/poll`: what is in the log after a cursor, or, held, what comes next. */
export class PollHandler implements PollAnswers {
  readonly #context: TransportContext;
  readonly #settings: HttpSettings;
  readonly #queries: PollQueries;
  readonly #pages: PollPages;
  readonly #timers: HoldTimers;
  readonly #groups = new PollGroups();
  readonly #groupContext: PollGroupContext;
  #isDraining = false;

  constructor(context: TransportContext, settings: HttpSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#queries = new PollQueries(settings.poll, context.limits);
    this.#pages = new PollPages(context.bus, context.observer);
    this.#timers = new HoldTimers((error) => context.logger.error("hold failed", { error }));
    this.#groupContext = {
      bus: context.bus,
      flushLoop: context.flushLoop,
      timers: this.#timers,
      answers: this,
      maxBytes: settings.poll.maxBytes,
    };
  }

  /** Polls held now. */
  get heldCount(): number {
    return this.#timers.count;
  }

  handle(exchange: Exchange): void {
    exchange.identified((identity) => {
      const query = this.#queries.parse(exchange.target.rawQuery);
      const isFirst = !exchange.connection.has("poll");
      exchange.connection.session("poll", identity);
      if (this.#isDraining) {
        this.#refuseDraining(exchange, query.cursor ?? this.#cursorNow());
        return;
      }
      if (isFirst) this.#reportRecovery(query);
      const group = this.#groups.find(identity.user, query);
      if (group !== undefined && !group.isFired) this.#hold(exchange, group);
      else this.#begin(exchange, query, identity);
    });
  }

  /** Answers every held poll: with what has arrived for it, or else with the refusal. */
  drain(): void {
    this.#isDraining = true;
    for (const group of this.#groups.all()) {
      if (group.isFired) group.flush();
      for (const poll of group.takeAll()) {
        this.#held(poll, "draining");
        this.#refuseDraining(poll.exchange, this.#cursorNow());
      }
    }
  }

  stop(): void {
    for (const group of this.#groups.all()) group.takeAll();
    this.#timers.stop();
  }

  arrived(polls: Iterable<HeldPoll>, page: BusPage): void {
    if (page.gap !== null) {
      this.#refuse(polls, this.#gapError(page.gap), "gap");
      return;
    }
    const body = this.#bodyOf(page);
    for (const poll of polls) {
      this.#held(poll, "messages");
      this.#answer(poll.exchange, body, page.messages);
    }
  }

  empty(poll: HeldPoll): void {
    this.#held(poll, "empty");
    this.#answerEmpty(poll.exchange);
  }

  refused(polls: Iterable<HeldPoll>, thrown: unknown): void {
    this.#refuse(polls, thrown, "refused");
  }

  left(poll: HeldPoll): void {
    this.#held(poll, "abandoned");
  }

  abandoned(group: PollGroup): void {
    this.#groups.remove(group);
  }

  #refuse(polls: Iterable<HeldPoll>, thrown: unknown, outcome: HoldOutcome): void {
    for (const poll of polls) {
      this.#held(poll, outcome);
      poll.exchange.refuse(thrown);
    }
  }

  #held(poll: HeldPoll, outcome: HoldOutcome): void {
    const { clock, observer } = this.#context;
    observer.held(outcome, clock.now() - poll.heldSince);
  }

  /** A connection that begins with a cursor resumes; what follows on it goes on from there. */
  #reportRecovery({ start }: PollQuery): void {
    const { bus, observer } = this.#context;
    if (start.from !== "cursor" || bus.locate(start).gap !== null) return;
    observer.recovered("poll", "complete");
  }

  /** Reads the log; what is not answered with that is held. Nothing can arrive in between. */
  #begin(exchange: Exchange, query: PollQuery, identity: Identity): void {
    const { bus } = this.#context;
    const located = bus.locate(query.start);
    if (located.gap !== null) {
      this.#context.observer.recovered("poll", located.gap.reason);
      throw this.#gapError(located.gap);
    }
    if (query.wantsRetained && this.#answerRetained(exchange, query, identity)) return;
    const page = this.#read(query, identity, located.after);
    if (page.gap !== null) throw this.#gapError(page.gap);
    if (page.messages.length > 0 || !page.isUpToDate) {
      this.#answer(exchange, this.#bodyOf(page), page.messages);
      return;
    }
    if (query.holdMs === 0) {
      this.#answerEmpty(exchange);
      return;
    }
    const group = new PollGroup(query, identity, page.through, this.#groupContext);
    this.#groups.add(group);
    try {
      this.#hold(exchange, group);
    } finally {
      group.endIfUnused();
    }
  }

  #hold(exchange: Exchange, group: PollGroup): void {
    const { maxHeldPolls, poll } = this.#settings;
    if (this.#timers.count >= maxHeldPolls) {
      throw new GatewayError(
        "limit_exceeded",
        `${maxHeldPolls} polls are held, which is the limit; poll with timeout=0 or later`,
      );
    }
    if (exchange.connection.heldCount >= MAX_HELD_PER_CONNECTION) {
      throw new GatewayError(
        "limit_exceeded",
        `${MAX_HELD_PER_CONNECTION} polls are held on this connection, which is the limit`,
      );
    }
    const { holdMs } = group.query;
    // At most half of a short hold: jitter is there to spread pollers, not to make them spin.
    const jitterMs = Math.random() * Math.min(poll.jitterMs, holdMs / 2);
    if (holdMs === 0) this.#answerEmpty(exchange);
    else group.add(exchange, holdMs - jitterMs, this.#context.clock.now());
  }

  #read(query: PollQuery, identity: Identity, after: number): BusPage {
    const limits = { maxMessages: query.maxMessages, maxBytes: this.#settings.poll.maxBytes };
    let page = this.#context.bus.read(identity, query.filters, after, limits);
    for (let pages = 1; pages < MAX_EMPTY_PAGES; pages += 1) {
      if (page.messages.length > 0 || page.isUpToDate || page.gap !== null) break;
      const next = this.#context.bus.read(identity, query.filters, page.through, limits);
      if (next.gap !== null) break;
      page = next;
    }
    return page;
  }

  #answerRetained(exchange: Exchange, query: PollQuery, identity: Identity): boolean {
    const { bus } = this.#context;
    const messages = bus.retainedUnder(identity, query.filters);
    if (messages.length === 0) return false;
    const { maxMessages, maxBytes } = this.#settings.poll;
    const bytes = messages.reduce((sum, message) => sum + message.payload.length, 0);
    if (messages.length > maxMessages || (bytes > maxBytes && messages.length > 1)) {
      // Retained messages have no position to go on from, so a part of them would pass for all.
      throw new GatewayError(
        "limit_exceeded",
        `${messages.length} retained messages of ${bytes} bytes match; one answer holds ` +
          `${maxMessages} of ${maxBytes} bytes; narrow the filters, or use /v1/stream`,
      );
    }
    this.#answer(
      exchange,
      this.#pages.retainedBody(messages, bus.cursorAt(bus.lastOffset)),
      messages,
    );
    return true;
  }

  #bodyOf(page: BusPage): string | Uint8Array {
    return this.#pages.body(
      page.messages,
      this.#context.bus.cursorAt(page.through),
      page.isUpToDate,
    );
  }

  #answer(exchange: Exchange, body: string | Uint8Array, messages: readonly Message[]): void {
    if (exchange.isOver) return;
    exchange.answer(200, PAGE_HEADERS, body);
    const { observer } = this.#context;
    const { openedAt } = exchange.connection;
    for (const { origin, qos, receivedAt, acceptedAt } of messages) {
      // What came while this client was there counts from then on, its way back for it included.
      if (acceptedAt < openedAt) observer.deliveredLate(origin.transport, "poll", qos);
      else observer.delivered(origin.transport, "poll", qos, receivedAt, acceptedAt);
    }
    exchange.reportHandOver(observer);
  }

  #answerEmpty(exchange: Exchange): void {
    exchange.answer(204, ["Tributary-Cursor", this.#cursorNow(), "Cache-Control", "no-store"]);
  }

  #refuseDraining(exchange: Exchange, cursor: string): void {
    exchange.refuse(
      new GatewayError("draining", "the gateway is about to stop; poll again with this cursor", {
        details: { cursor },
      }),
      ["Tributary-Cursor", cursor],
    );
  }

  #gapError(gap: Gap): GatewayError {
    const earliest = this.#context.bus.cursorAt(gap.earliest - 1);
    return new GatewayError(
      "gap",
      `messages after this cursor are missing (${gap.reason}); go on from the earliest cursor`,
      { details: { reason: gap.reason, earliest } },
    );
  }

  #cursorNow(): string {
    const { bus } = this.#context;
    return bus.cursorAt(bus.lastOffset);
  }
}

const PAGE_HEADERS: readonly string[] = Object.freeze([
  "Content-Type",
  "application/json",
  "Cache-Control",
  "no-store",
]);
