import type { Clock } from "../../bus/clock.ts";
import { GatewayError } from "../../errors.ts";
import type { MqttConnection } from "./mqtt-connection.ts";
import { MqttSession, type SessionParts } from "./mqtt-session.ts";
import { SessionExpiry } from "./session-expiry.ts";

/** Bounds of the sessions that outlive their connections; the config settings of the same names. */
export interface SessionTableLimits {
  readonly maxSessions: number;
  readonly sessionExpirySeconds: number;
}

/** The sessions of one engine, by client id. Persistent ones outlive their connections. */
export class SessionTable {
  readonly #parts: SessionParts;
  readonly #maxPersistent: number;
  readonly #sessions = new Map<string, MqttSession>();
  readonly #expiry: SessionExpiry;
  #persistent = 0;

  constructor(parts: SessionParts, limits: SessionTableLimits, clock: Clock) {
    this.#parts = parts;
    this.#maxPersistent = limits.maxSessions;
    this.#expiry = new SessionExpiry(limits.sessionExpirySeconds, clock, (session) =>
      this.#expire(session),
    );
  }

  /** From here on, sessions whose clients stay away too long are forgotten. */
  start(): void {
    this.#expiry.start();
  }

  /** Persistent sessions, connected or not. */
  get persistentCount(): number {
    return this.#persistent;
  }

  /**
   * Throws `limit_exceeded` when the client would need a persistent session that is one too many.
   * Forgets a session that has expired when it is this client's, or when its place is needed.
   */
  checkRoom(clientId: string, isClean: boolean): void {
    const own = this.#sessions.get(clientId);
    if (own !== undefined && this.#expiry.isDue(own)) this.#expire(own);
    if (!isClean && this.#persistent >= this.#maxPersistent) this.#expiry.forgetDue(1);
    if (isClean || this.hasPersistent(clientId) || this.#persistent < this.#maxPersistent) return;
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
   */
  attach(connection: MqttConnection, clientId: string, isClean: boolean): MqttSession {
    const existing = this.#sessions.get(clientId);
    existing?.connection?.close();
    const kept = this.#sessions.get(clientId);
    if (kept !== undefined && (isClean || kept.isClean)) this.#discard(kept);
    const session = this.#sessions.get(clientId) ?? this.#create(clientId, isClean);
    this.#expiry.over(session);
    session.attach(connection);
    return session;
  }

  /** The connection of a session is over. */
  detach(session: MqttSession, connection: MqttConnection): void {
    if (session.connection !== connection) return;
    session.detach();
    if (session.isClean) this.#discard(session);
    else this.#expiry.away(session);
  }

  /** Discards every session, and looks for no expired ones any longer. */
  clear(): void {
    this.#expiry.stop();
    for (const session of [...this.#sessions.values()]) this.#discard(session);
  }

  #create(clientId: string, isClean: boolean): MqttSession {
    const session = new MqttSession(clientId, isClean, this.#parts);
    this.#sessions.set(clientId, session);
    if (!isClean) this.#persistent += 1;
    return session;
  }

  #expire(session: MqttSession): void {
    const { undelivered, transport } = session;
    if (undelivered > 0) this.#parts.bus.noteDropped(transport, "session_expired", undelivered);
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
