import type { Clock } from "../../bus/clock.ts";
import type { Origin } from "../../bus/message.ts";
import type { RestoredSession } from "../../bus/session-store.ts";
import { GatewayError } from "../../errors.ts";
import { MqttSession } from "./mqtt-session.ts";
import { SessionExpiry } from "./session-expiry.ts";
import type { SessionFacts, SessionLink, SessionParts } from "./session-parts.ts";
import { CLIENT_PREFIX } from "./session-record.ts";
import { parseSessionState } from "./session-state.ts";
import type { SessionWill } from "./session-will.ts";
import { SessionWills } from "./session-wills.ts";

/** Bounds of the sessions that outlive their connections; the config settings of the same names. */
export interface SessionTableLimits {
  readonly maxSessions: number;
  readonly sessionExpirySeconds: number;
}

/** What a client asks for when it connects. */
export interface SessionRequest {
  readonly clientId: string;
  /** What exists is discarded: MQTT 3's clean session, MQTT 5's clean start. */
  readonly isCleanStart: boolean;
  /** The session is to end with the connection: MQTT 3's clean session, an expiry of 0 in MQTT 5. */
  readonly endsWithConnection: boolean;
  /** Seconds of absence after which it is to end; `null` for as long as the server allows. */
  readonly expirySeconds: number | null;
  readonly will: SessionWill | null;
}

/** How a connection ended. */
export interface SessionLeaving {
  /** The client has said goodbye: its will is not published [MQTT-3.14.4-3]. */
  readonly isGraceful: boolean;
  /** Another expiry than the one it connected with (MQTT 5 §3.14.2.2.2). */
  readonly expirySeconds?: number;
}

/** Expiry and delays are set in whole seconds. */
const TICK_MS = 1_000;

/**
 * Sessions one tick forgets at most, so that ending many at once delays no one: with 1,000 filters
 * each, 32 sessions take 32,000 filters out of the index. That is still 115,200 sessions an hour.
 */
const MOST_IN_A_TICK = 32;

/**
 * How long a client may take to come back after a restart before its will is published: it was the
 * gateway that left. Common clients try again after 1 s; MQTT 3.1.1 §3.1.2.5 allows the delay.
 */
const RESTART_GRACE_MS = 5_000;

/** The sessions of one engine, by client id. Persistent ones outlive their connections. */
export class SessionTable {
  readonly #parts: SessionParts;
  readonly #maxPersistent: number;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, MqttSession>();
  readonly #expiry: SessionExpiry;
  readonly #wills: SessionWills;
  /** Client ids of sessions that the store let down. */
  readonly #stalled = new Set<string>();
  #persistent = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    parts: Omit<SessionParts, "overflowed" | "stalled">,
    limits: SessionTableLimits,
    clock: Clock,
  ) {
    this.#parts = {
      ...parts,
      overflowed: (session) => this.#overflowed(session),
      stalled: (session) => this.#stalled.add(session.clientId),
    };
    this.#maxPersistent = limits.maxSessions;
    this.#clock = clock;
    this.#expiry = new SessionExpiry(limits.sessionExpirySeconds, clock, (session) =>
      this.#expire(session),
    );
    const settled = (session: MqttSession) => this.#willSettled(session);
    this.#wills = new SessionWills({ bus: parts.bus, clock, logger: parts.logger, settled });
  }

  /**
   * Takes up the sessions of earlier processes; from here on, those whose clients stay away too long
   * are forgotten. To be called before the first connection.
   */
  start(): void {
    const { sessions } = this.#parts.bus;
    for (const restored of sessions.takeClients()) this.#restore(restored);
    sessions.forgetOtherGroups();
    this.#timer ??= setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Persistent sessions, connected or not. */
  get persistentCount(): number {
    return this.#persistent;
  }

  /**
   * Throws `limit_exceeded` when the client would need a persistent session that is one too many.
   * Forgets a session that has expired when it is this client's, or when its place is needed.
   */
  checkRoom(clientId: string, endsWithConnection: boolean): void {
    const own = this.#sessions.get(clientId);
    if (own !== undefined && this.#expiry.isDue(own)) this.#expire(own);
    if (!endsWithConnection && this.#persistent >= this.#maxPersistent) this.#expiry.forgetDue(1);
    if (endsWithConnection || this.hasPersistent(clientId)) return;
    if (this.#persistent < this.#maxPersistent) return;
    throw new GatewayError(
      "limit_exceeded",
      `${this.#maxPersistent} persistent sessions exist, which is the limit`,
    );
  }

  hasPersistent(clientId: string): boolean {
    return this.#sessions.get(clientId)?.isClean === false;
  }

  /**
   * Gives the connection the session of its client id: the persistent one that exists, or a new one.
   * A connection that still has it is closed [MQTT-3.1.4-2]; a clean start discards it [MQTT-3.1.2-6].
   * CONNACK waits for the record's `whenDurable`.
   */
  attach(link: SessionLink, request: SessionRequest): MqttSession {
    const { clientId, endsWithConnection, expirySeconds, will } = request;
    this.#sessions.get(clientId)?.link?.replaced();
    const kept = this.#sessions.get(clientId);
    const isKept = kept !== undefined && !request.isCleanStart && !kept.isClean;
    if (kept !== undefined && !isKept) {
      this.#wills.replace(kept);
      this.#discard(kept);
    }
    const session = this.#sessions.get(clientId) ?? this.#create(request, link);
    if (session !== kept && kept?.record.isAwaited === true) session.record.replaces();
    this.#expiry.over(session);
    this.#wills.cancel(session);
    if (endsWithConnection && !session.isClean) this.#persistent -= 1;
    session.isClean = endsWithConnection;
    session.expirySeconds = expirySeconds;
    session.will = will;
    if (will !== null && session.isClean) session.record.begin(session.state);
    session.attach(link);
    return session;
  }

  /** The connection of a session is over. */
  detach(session: MqttSession, link: SessionLink, leaving: SessionLeaving): void {
    if (session.link !== link) return;
    const now = this.#clock.now();
    session.detach(now);
    session.expirySeconds = leaving.expirySeconds ?? session.expirySeconds;
    if (leaving.isGraceful) this.#wills.cancel(session);
    const isOver = session.isClean || this.#sessions.get(session.clientId) !== session;
    if (session.will !== null) this.#awaitWill(session, link.origin, isOver ? 0 : now);
    if (!isOver) this.#expiry.away(session);
    else if (this.#wills.isPending(session) && session.record.isStored) session.end(true);
    else this.#discard(session);
  }

  /** From here on the gateway leaves, not its clients: no will is published. */
  drain(): void {
    this.#wills.drain();
  }

  /** Lets go of every session; those that are stored are there after the next start. Idempotent. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const session of [...this.#sessions.values()]) {
      if (session.record.isStored) session.suspend();
      else session.end();
    }
    this.#sessions.clear();
    this.#wills.clear();
    this.#stalled.clear();
    this.#persistent = 0;
  }

  /** What is due by the clock; called once a second. */
  tick(): void {
    this.#expiry.forgetDue(MOST_IN_A_TICK);
    this.#wills.publishDue();
    for (const clientId of this.#stalled) this.#sessions.get(clientId)?.wake();
    this.#stalled.clear();
  }

  #create(
    { clientId, endsWithConnection, expirySeconds }: SessionRequest,
    { identity }: SessionLink,
  ) {
    const options = { clientId, isClean: endsWithConnection, expirySeconds, user: identity.user };
    return this.#add(new MqttSession(options, this.#parts));
  }

  #add(session: MqttSession): MqttSession {
    this.#sessions.set(session.clientId, session);
    if (!session.isClean) this.#persistent += 1;
    return session;
  }

  #restore(restored: RestoredSession): void {
    try {
      const state = parseSessionState(restored.state);
      const session = new MqttSession(state, this.#parts, restored);
      session.awaySince = state.awaySince ?? this.#clock.now();
      session.will = state.will;
      session.resubscribe(state);
      this.#add(session);
      if (!state.isClean) this.#expiry.away(session);
      if (state.will === null) this.#willSettled(session);
      else this.#awaitWill(session, null, this.#clock.now() + RESTART_GRACE_MS);
    } catch (error) {
      const clientId = restored.name.slice(CLIENT_PREFIX.length);
      this.#parts.logger.error("a stored session cannot be read and is forgotten", {
        clientId,
        error,
      });
      restored.stored.delete();
    }
  }

  /** @param from when its delay begins; 0 for a session that has ended, which ends the delay. */
  #awaitWill(session: MqttSession, origin: Origin | null, from: number): void {
    const delayMs = (session.will?.delaySeconds ?? 0) * 1_000;
    const dueAt = from === 0 ? 0 : Math.min(from + delayMs, this.#expiry.endOf(session));
    this.#wills.await(session, origin, dueAt);
  }

  /** A clean session is kept for its will alone. */
  #willSettled(session: MqttSession): void {
    if (session.isClean && session.link === null) this.#discard(session);
  }

  /** Within a fan-out, in which nothing may be taken from the index. */
  #overflowed({ clientId }: SessionFacts): void {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return;
    // With the message it has no room for: from there on the session is not owed anything.
    if (!session.hasShares) session.record.delete();
    queueMicrotask(() => this.#discard(session));
  }

  #expire(session: MqttSession): void {
    const { undelivered, transport } = session;
    if (undelivered > 0) this.#parts.bus.noteDropped(transport, "session_expired", undelivered);
    this.#wills.publishNow(session);
    this.#discard(session);
  }

  #discard(session: MqttSession): void {
    this.#expiry.over(session);
    session.end();
    if (this.#sessions.get(session.clientId) !== session) return;
    this.#sessions.delete(session.clientId);
    if (!session.isClean) this.#persistent -= 1;
  }
}
