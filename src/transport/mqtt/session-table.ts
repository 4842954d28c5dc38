import { GatewayError } from "../../errors.ts";
import type { MqttConnection } from "./mqtt-connection.ts";
import { MqttSession, type SessionParts } from "./mqtt-session.ts";

/** The sessions of one engine, by client id. Persistent ones outlive their connections. */
export class SessionTable {
  readonly #parts: SessionParts;
  readonly #maxPersistent: number;
  readonly #sessions = new Map<string, MqttSession>();
  #persistent = 0;

  constructor(parts: SessionParts, maxPersistent: number) {
    this.#parts = parts;
    this.#maxPersistent = maxPersistent;
  }

  /** Persistent sessions, connected or not. */
  get persistentCount(): number {
    return this.#persistent;
  }

  /** Throws `limit_exceeded` when the client would need a persistent session that is one too many. */
  checkRoom(clientId: string, isClean: boolean): void {
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
    session.attach(connection);
    return session;
  }

  /** The connection of a session is over. */
  detach(session: MqttSession, connection: MqttConnection): void {
    if (session.connection !== connection) return;
    session.detach();
    if (session.isClean) this.#discard(session);
  }

  /** Discards every session. */
  clear(): void {
    for (const session of [...this.#sessions.values()]) this.#discard(session);
  }

  #create(clientId: string, isClean: boolean): MqttSession {
    const session = new MqttSession(clientId, isClean, this.#parts);
    this.#sessions.set(clientId, session);
    if (!isClean) this.#persistent += 1;
    return session;
  }

  #discard(session: MqttSession): void {
    session.end();
    if (this.#sessions.get(session.clientId) !== session) return;
    this.#sessions.delete(session.clientId);
    if (!session.isClean) this.#persistent -= 1;
  }
}
