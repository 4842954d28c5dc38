import { GatewayError } from "../errors.ts";
import type { CommandRequest } from "../wire/command-request.ts";
import type { ErrorFrame, ServerFrame } from "../wire/frame.ts";
import type { PublishRequest } from "../wire/publish-command.ts";
import { Backoff, DEFAULT_BACKOFF } from "./backoff.ts";
import type { ClientForm } from "./client-form.ts";
import {
  type ClientOptions,
  type ConnectionEnd,
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_MAX_PENDING_PUBLISHES,
} from "./client-options.ts";
import {
  ClientSubscription,
  type SubscribeOptions,
  type SubscriptionHandlers,
} from "./client-subscription.ts";
import { mayReconnect } from "./close-code.ts";
import { ConnectError } from "./connect-error.ts";
import { Connection } from "./connection.ts";
import { type Accepted, PendingPublishes } from "./pending-publishes.ts";
import type { OpenSocket } from "./socket.ts";

/** A message to publish; what is absent takes the gateway's default. */
export type PublishMessage = Omit<PublishRequest, "id">;

/**
 * A client of the command protocol, over WebSocket or raw TCP, in a page or in Node.
 *
 * It stays: a lost connection is opened again unless its close code forbids, each subscription resumes
 * from its own position, and publishes that were not answered are sent again. So a subscription sees
 * every message once, in order, or is told the gap; a publish is accepted at least once (give it an
 * `idempotencyKey` to make that once).
 */
export class TributaryClient {
  readonly #openSocket: OpenSocket;
  readonly #form: ClientForm;
  readonly #options: ClientOptions;
  readonly #backoff: Backoff;
  readonly #pending: PendingPublishes;
  readonly #subscriptions = new Map<string, ClientSubscription>();
  /** By the id of the latest `subscribe` command of each. */
  readonly #byId = new Map<number, ClientSubscription>();
  readonly #pings = new Map<number, () => void>();
  #connection: Connection | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #nextId = 1;
  #isClosed = false;
  #settle: (end: ConnectionEnd) => void = () => undefined;
  /** Resolves when the client has ended for good, by its owner or by a refusal to connect again. */
  readonly ended: Promise<ConnectionEnd>;

  private constructor(openSocket: OpenSocket, form: ClientForm, options: ClientOptions) {
    this.#openSocket = openSocket;
    this.#form = form;
    this.#options = options;
    const { reconnect = true } = options;
    this.#backoff = new Backoff(typeof reconnect === "boolean" ? DEFAULT_BACKOFF : reconnect);
    this.#pending = new PendingPublishes(
      options.maxPendingPublishes ?? DEFAULT_MAX_PENDING_PUBLISHES,
    );
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Resolves when the gateway has welcomed the client; a first attempt that fails is not repeated. */
  static async connect(
    openSocket: OpenSocket,
    form: ClientForm,
    options: ClientOptions = {},
  ): Promise<TributaryClient> {
    const client = new TributaryClient(openSocket, form, options);
    await client.#connect();
    return client;
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /**
   * Resolves when the message is accepted. Rejects with the refusal, or at once with
   * `limit_exceeded` when too many publishes are unanswered.
   */
  async publish(message: PublishMessage): Promise<Accepted> {
    this.#assertOpen();
    const id = this.#takeId();
    const frame = this.#form.publish({ ...message, id });
    const accepted = this.#pending.add(id, frame);
    this.#connection?.send(frame);
    return accepted;
  }

  /** Publishes at most once and hears nothing of it; `false` when there is no connection now. */
  publishUnanswered(message: PublishMessage): boolean {
    this.#assertOpen();
    if (this.#connection === null) return false;
    this.#connection.send(this.#form.publish(message));
    return true;
  }

  /** Resolves when {@link publish} would take another message. */
  whenPublishable(): Promise<void> {
    return this.#pending.whenRoom();
  }

  /** Throws `invalid_filter`, or `bad_request` for a filter this client already has. */
  subscribe(
    filter: string,
    handlers: SubscriptionHandlers,
    options: SubscribeOptions = {},
  ): ClientSubscription {
    this.#assertOpen();
    if (this.#subscriptions.has(filter)) {
      throw new GatewayError("bad_request", `already subscribed to ${JSON.stringify(filter)}`);
    }
    const subscription = new ClientSubscription(filter, options, handlers);
    this.#subscriptions.set(filter, subscription);
    this.#ask(subscription);
    return subscription;
  }

  /** Resolves when every command sent so far has been answered; rejects when the client ends first. */
  roundTrip(): Promise<void> {
    this.#assertOpen();
    const id = this.#takeId();
    return new Promise((resolve, reject) => {
      this.#pings.set(id, resolve);
      void this.ended.then(({ code }) => reject(new ConnectError(code, "the client ended", null)));
      this.#send({ type: "ping", id });
    });
  }

  unsubscribe(subscription: ClientSubscription): void {
    if (this.#subscriptions.get(subscription.filter) !== subscription) return;
    this.#subscriptions.delete(subscription.filter);
    subscription.end();
    this.#send({ type: "unsubscribe", id: this.#takeId(), filter: subscription.filter });
  }

  /** Ends the client; publishes without an answer are refused as `draining`. Idempotent. */
  close(): Promise<ConnectionEnd> {
    this.#connection?.close(1000, "the client closes");
    this.#finish({ code: 1000, reason: "closed by the client" });
    return this.ended;
  }

  async #connect(): Promise<void> {
    const connection = await Connection.open(this.#openSocket, this.#form, {
      credentials: this.#options.credentials,
      timeoutMs: this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      takeId: () => this.#takeId(),
      onFrame: (frame) => this.#handle(frame),
      onEnd: (end) => this.#lose(end),
    });
    if (this.#isClosed) {
      connection.close(1000, "the client closes");
      return;
    }
    this.#connection = connection;
    this.#backoff.reset();
    this.#byId.clear();
    for (const subscription of this.#subscriptions.values()) this.#ask(subscription);
    for (const frame of this.#pending.frames()) connection.send(frame);
    for (const id of this.#pings.keys()) this.#send({ type: "ping", id });
  }

  #ask(subscription: ClientSubscription): void {
    if (this.#connection === null) return;
    const id = this.#takeId();
    this.#byId.set(id, subscription);
    this.#send({ type: "subscribe", id, ...subscription.command() });
  }

  #handle(frame: ServerFrame): void {
    switch (frame.type) {
      case "message":
        if (frame.subscription !== null) this.#withId(frame.subscription)?.handle(frame);
        else for (const each of this.#subscriptions.values()) each.offer(frame.message);
        return;
      case "position":
        for (const each of this.#subscriptions.values()) each.moveTo(frame.cursor);
        return;
      case "published":
        this.#pending.accept(frame.id, frame);
        return;
      case "subscribed":
      case "live":
        this.#withId(frame.id)?.handle(frame);
        return;
      case "gap":
      case "dropped":
        this.#subscriptions.get(frame.filter ?? "")?.handle(frame);
        return;
      case "pong":
        this.#answerPing(frame.id);
        return;
      case "error":
        this.#refuse(frame);
        return;
      default:
        return;
    }
  }

  #answerPing(id: unknown): void {
    if (typeof id !== "number") return;
    this.#pings.get(id)?.();
    this.#pings.delete(id);
  }

  #refuse(frame: ErrorFrame): void {
    const error = new GatewayError(frame.code, frame.message);
    if (this.#pending.refuse(frame.id, error)) return;
    const subscription = frame.id === undefined ? undefined : this.#withId(frame.id);
    if (subscription === undefined) {
      this.#options.onError?.(error);
      return;
    }
    this.#subscriptions.delete(subscription.filter);
    subscription.refuse(error);
  }

  #lose(end: ConnectionEnd): void {
    this.#connection = null;
    if (this.#isClosed) return;
    if (this.#options.reconnect === false || !mayReconnect(end.code)) {
      this.#finish(end);
      return;
    }
    const delayMs = this.#backoff.next();
    this.#options.onReconnecting?.(end, delayMs);
    this.#retry = setTimeout(() => void this.#reconnect(), delayMs);
  }

  async #reconnect(): Promise<void> {
    this.#retry = null;
    try {
      await this.#connect();
    } catch (cause) {
      const code = cause instanceof ConnectError ? cause.closeCode : 1006;
      this.#lose({ code, reason: cause instanceof Error ? cause.message : String(cause) });
      return;
    }
    if (!this.#isClosed) this.#options.onReconnected?.();
  }

  #finish(end: ConnectionEnd): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#connection = null;
    const gone = new GatewayError("draining", `the connection ended: ${end.code} ${end.reason}`);
    this.#pending.refuseAll(gone);
    for (const subscription of this.#subscriptions.values()) subscription.refuse(gone);
    this.#subscriptions.clear();
    this.#settle(end);
  }

  #withId(id: unknown): ClientSubscription | undefined {
    return typeof id === "number" ? this.#byId.get(id) : undefined;
  }

  #send(command: CommandRequest): void {
    this.#connection?.command(command);
  }

  #takeId(): number {
    return this.#nextId++;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new GatewayError("draining", "the client is closed");
  }
}
