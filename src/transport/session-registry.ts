import { randomBytes } from "node:crypto";
import type { TransportName } from "../bus/message.ts";
import type { Identity } from "../bus/ports.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../telemetry/logger.ts";

/** A connected client, as operators see it. */
export interface Session {
  readonly id: string;
  readonly transport: TransportName;
  /** The peer's IP address. */
  readonly address: string;
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number;
  identity: Identity;
}

/** Bounds on who may be connected. */
export interface SessionLimits {
  readonly max: number;
  readonly maxPerAddress: number;
}

/** Who is connected, on every transport, within the limits of the process and of each address. */
export class SessionRegistry {
  readonly #limits: SessionLimits;
  readonly #logger: Logger | null;
  readonly #sessions = new Map<string, Session>();
  readonly #perAddress = new Map<string, number>();

  /** @param logger told at level debug of each session that opens and closes. */
  constructor(limits: SessionLimits, logger: Logger | null = null) {
    this.#limits = limits;
    this.#logger = logger;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Throws `limit_exceeded` naming the limit that is reached. */
  open(
    transport: TransportName,
    address: string,
    connectedAt: number,
    identity: Identity,
  ): Session {
    const { max, maxPerAddress } = this.#limits;
    if (this.#sessions.size >= max) {
      throw new GatewayError("limit_exceeded", `${max} connections are open, which is the limit`);
    }
    const fromAddress = this.#perAddress.get(address) ?? 0;
    if (fromAddress >= maxPerAddress) {
      throw new GatewayError(
        "limit_exceeded",
        `${maxPerAddress} connections from ${address} are open, which is the limit`,
      );
    }
    const id = randomBytes(9).toString("base64url");
    const session: Session = { id, transport, address, connectedAt, identity };
    this.#sessions.set(id, session);
    this.#perAddress.set(address, fromAddress + 1);
    this.#logger?.debug("session opened", { transport, sessionId: id, address });
    return session;
  }

  /** Idempotent. */
  close(session: Session): void {
    if (!this.#sessions.delete(session.id)) return;
    const { transport, id: sessionId } = session;
    this.#logger?.debug("session closed", { transport, sessionId });
    const left = (this.#perAddress.get(session.address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(session.address, left);
    else this.#perAddress.delete(session.address);
  }

  /** Open sessions, oldest first. */
  list(): Iterable<Session> {
    return this.#sessions.values();
  }
}
