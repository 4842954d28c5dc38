import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Origin } from "../../bus/message.ts";
import type { Identity } from "../../bus/ports.ts";
import { GatewayError } from "../../errors.ts";
import { parseAuthorization } from "../../security/authorization-header.ts";
import { RateLimit } from "../../security/rate-limit.ts";
import { certificateCredentials } from "../../security/tls-peer.ts";
import type { Session } from "../session-registry.ts";
import type { TransportContext } from "../transport.ts";
import { wireSocketOf } from "../wire-socket.ts";

/** The ways through the gateway that begin with an HTTP request. */
export type HttpTransportName = "http" | "poll" | "sse";

/** Something that must end with its connection: a held poll, a stream. */
export interface Releasable {
  release(): void;
}

/**
 * How long an identity stands for the same Authorization header on one connection. Short enough that
 * withdrawn credentials stop working, long enough that a password hash is not computed per request.
 */
const IDENTITY_LIFE_MS = 30_000;

/** One network connection, and what its requests have in common. */
export class Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number;
  /** Over the limit of connections: its first request is answered with the refusal. */
  readonly isRefused: boolean;
  /** The newest response; what else may be written to the socket depends on it. */
  latest: ServerResponse | null = null;
  /** Speaks another protocol now; the HTTP transport no longer answers for it. */
  isUpgraded = false;
  /** Its requests that wait for the store. */
  waiting = 0;
  readonly #context: TransportContext;
  /** One for each way used, because a session belongs to one; most connections use one. */
  #sessions: Session[] = [];
  #origin: Origin | null = null;
  #held: Set<Releasable> | null = null;
  #rateLimit: RateLimit | null = null;
  #identity: Identity | null = null;
  #authorization: string | undefined = undefined;
  #identityUntil = 0;
  #isClosed = false;
  #carried: HttpTransportName = "http";

  constructor(socket: Socket, isRefused: boolean, context: TransportContext) {
    this.socket = socket;
    this.address = socket.remoteAddress ?? "unknown";
    this.isRefused = isRefused;
    this.#context = context;
    this.openedAt = context.clock.now();
    context.observer.carries(wireSocketOf(socket), "http");
  }

  /** An answer is not written to its end yet. */
  get isAnswering(): boolean {
    return this.latest !== null && !this.latest.writableFinished;
  }

  /** Held polls and streams of this connection. */
  get heldCount(): number {
    return this.#held?.size ?? 0;
  }

  /** Who sent the header, if that was found out on this connection lately; else `null`. */
  knownIdentity(authorization: string | undefined): Identity | null {
    if (this.#identity === null || authorization !== this.#authorization) return null;
    return this.#context.clock.now() < this.#identityUntil ? this.#identity : null;
  }

  /** Finds out who sent the header. Rejects with `unauthenticated`. */
  async identify(authorization: string | undefined): Promise<Identity> {
    // A certificate says who a connection is, and a header who a request is, the nearer word.
    const credentials =
      authorization === undefined
        ? certificateCredentials(this.socket)
        : parseAuthorization(authorization);
    const identity = await this.#context.authenticator.authenticate(credentials, this.address);
    this.#authorization = authorization;
    this.#identity = identity;
    this.#identityUntil = this.#context.clock.now() + IDENTITY_LIFE_MS;
    return identity;
  }

  /** Whether this way through the gateway has a session already. */
  has(transport: HttpTransportName): boolean {
    return this.#sessions.some((session) => session.transport === transport);
  }

  /** The session of this way through the gateway, opened at its first use. Throws `limit_exceeded`. */
  session(transport: HttpTransportName, identity: Identity): Session {
    this.#carries(transport);
    for (const session of this.#sessions) {
      if (session.transport !== transport) continue;
      session.identity = identity;
      return session;
    }
    // Nobody would close it.
    if (this.#isClosed) throw new GatewayError("internal", "the connection has closed");
    const { sessions, clock, observer } = this.#context;
    const session = sessions.open(transport, this.address, clock.now(), identity);
    this.#sessions.push(session);
    observer.connected(transport);
    return session;
  }

  /** The origin of messages published on this connection. Throws `limit_exceeded`. */
  publishOrigin(identity: Identity): Origin {
    const { id } = this.session("http", identity);
    this.#origin ??= { transport: "http", sessionId: id };
    return this.#origin;
  }

  /**
   * Whose idempotency keys these are. A request is repeated because its connection broke, so an
   * anonymous client is known by its address: its session is another one by then.
   */
  idempotencyScope({ user }: Identity): string {
    return user === null ? `address ${this.address}` : `user ${user}`;
  }

  /**
   * Counts `messages` against the publishing rate. Throws `rate_limited`, and `too_large` for more
   * than a second allows: those could never pass together, however long the client waits.
   */
  checkRate(messages: number): void {
    const perSecond = this.#context.limits.maxPublishesPerSecond;
    if (perSecond === 0) return;
    if (messages > perSecond) {
      throw new GatewayError(
        "too_large",
        `the request holds ${messages} messages; limits.maxPublishesPerSecond is ${perSecond}`,
      );
    }
    this.#rateLimit ??= new RateLimit(perSecond);
    const now = this.#context.clock.now();
    for (let taken = 0; taken < messages; taken += 1) {
      if (this.#rateLimit.take(now)) continue;
      throw new GatewayError(
        "rate_limited",
        `this connection publishes more than ${perSecond} messages a second, which is the limit`,
        { details: { retryAfter: 1 } },
      );
    }
  }

  hold(releasable: Releasable): void {
    this.#held ??= new Set();
    this.#held.add(releasable);
  }

  unhold(releasable: Releasable): void {
    this.#held?.delete(releasable);
  }

  /** The socket is gone: everything held on it ends, and its sessions. */
  closed(): void {
    this.#isClosed = true;
    for (const releasable of [...(this.#held ?? [])]) releasable.release();
    this.#held = null;
    this.#context.observer.closed(wireSocketOf(this.socket));
    for (const session of this.#sessions) {
      this.#context.sessions.close(session);
      this.#context.observer.disconnected(session.transport);
    }
    this.#sessions = [];
  }

  /** What is read and written from here on belongs to this way through the gateway. */
  #carries(transport: HttpTransportName): void {
    if (this.#carried === transport) return;
    this.#carried = transport;
    this.#context.observer.carries(wireSocketOf(this.socket), transport);
  }
}
