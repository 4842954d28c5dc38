import type { Identity } from "../bus/ports.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Authenticator } from "../security/authenticator.ts";
import type { AuthenticateCommand } from "../wire/command.ts";
import type { Session } from "./session-registry.ts";

/** Wrong credentials in a row after which a connection is ended: guessing has to reconnect. */
const MAX_FAILURES = 5;

/** Who the client of one session is, and by when it has to have said so. */
export class CommandAuthentication {
  readonly #authenticator: Authenticator;
  readonly #session: Session;
  /** Milliseconds; `null` once authenticated. */
  #deadline: number | null;
  #failures = 0;

  /** @param deadline by when valid credentials must have come; `null` when none are needed. */
  constructor(authenticator: Authenticator, session: Session, deadline: number | null) {
    this.#authenticator = authenticator;
    this.#session = session;
    this.#deadline = deadline;
  }

  /** Throws `unauthenticated` for a command that has to wait until the client has said who it is. */
  check(type: string): void {
    if (this.#deadline === null || type === "authenticate" || type === "ping") return;
    throw new GatewayError("unauthenticated", `authenticate before ${type}`);
  }

  isOverdue(now: number): boolean {
    return this.#deadline !== null && now >= this.#deadline;
  }

  /** Whether the client has guessed often enough. */
  get isExhausted(): boolean {
    return this.#failures >= MAX_FAILURES;
  }

  /** Changes the session's identity, or returns the refusal and leaves it as it was. */
  async authenticate(command: AuthenticateCommand): Promise<Identity | GatewayError> {
    try {
      const { credentials } = command;
      const identity = await this.#authenticator.authenticate(credentials, this.#session.address);
      this.#session.identity = identity;
      this.#deadline = null;
      this.#failures = 0;
      return identity;
    } catch (thrown) {
      this.#failures += 1;
      return toGatewayError(thrown);
    }
  }
}
