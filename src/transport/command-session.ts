import type { Reader, ReaderHost } from "../bus/reader.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import { type AuthenticateCommand, type Command, CommandError } from "../wire/command.ts";
import type { CommandId } from "../wire/command-id.ts";
import { type ControlFrame, errorFrame } from "../wire/frame.ts";
import type { PublishCommand } from "../wire/publish-command.ts";
import { CommandAuthentication } from "./command-session-authentication.ts";
import { DropNotices } from "./command-session-drops.ts";
import { CommandGate, type GatedReading } from "./command-session-gate.ts";
import type { Beating } from "./command-session-heartbeat.ts";
import { PeerLiveness } from "./command-session-liveness.ts";
import { type CommandSessionParts, logDefect } from "./command-session-parts.ts";
import { CommandPublishing, type PublishAnswers } from "./command-session-publishing.ts";
import { PublishRate } from "./command-session-rate.ts";
import { CommandSubscriptions } from "./command-session-subscriptions.ts";
import { TurnShare } from "./command-session-turn.ts";
import type { Flushable } from "./flush-loop.ts";
import { Outbox, type OutboxSource } from "./outbox.ts";
import type { WriteBatch } from "./write-batch.ts";

/** Time in which a closing connection must be gone: the peer may have stopped reading for good. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * One client of WebSocket or raw TCP: takes its commands in order, answers them, owns its reader and
 * writes what the reader delivers. The connection below it turns bytes into commands.
 */
export class CommandSession
  implements ReaderHost, OutboxSource, GatedReading, PublishAnswers, Beating, Flushable
{
  readonly #parts: CommandSessionParts;
  readonly #reader: Reader;
  readonly #outbox: Outbox;
  readonly #gate: CommandGate;
  readonly #turn: TurnShare;
  readonly #subscriptions: CommandSubscriptions;
  readonly #publishing: CommandPublishing;
  readonly #rate: PublishRate;
  readonly #drops: DropNotices;
  readonly #liveness: PeerLiveness;
  readonly #authentication: CommandAuthentication;
  /** Commands that came while the gate was closed: what one read of the connection holds. */
  #held: (string | Uint8Array)[] = [];
  #beatAt: number;
  /** `null` while open. */
  #ending: { readonly reason: GatewayError | null; readonly since: number } | null = null;
  #isReleased = false;
  /** Set once the session is to end when nothing is left to say. */
  #finishing: { readonly reason: GatewayError | null } | null = null;

  constructor(parts: CommandSessionParts) {
    this.#parts = parts;
    const { context, session, stream, form, options } = parts;
    const { bus, flushLoop, limits } = context;
    const now = context.clock.now();
    this.#authentication = new CommandAuthentication(
      context.authenticator,
      session,
      parts.isAuthenticated ? null : now + options.authenticateTimeoutMs,
    );
    this.#beatAt = now;
    this.#reader = bus.openReader({ transport: form.egress, identity: session.identity }, this);
    const meter = { transport: form.egress, observer: context.observer };
    this.#outbox = new Outbox(stream, this, flushLoop, limits.outbox, meter);
    this.#drops = new DropNotices(this.#reader, parts.delivery);
    this.#gate = new CommandGate(this);
    this.#turn = new TurnShare(this.#gate);
    const origin = { transport: form.egress, sessionId: session.id };
    this.#publishing = new CommandPublishing(bus, origin, session.address, this);
    this.#subscriptions = new CommandSubscriptions(
      bus,
      this.#reader,
      options.maxSubscriptionsPerSession,
      (frame) => this.answer(frame),
    );
    this.#rate = new PublishRate(limits.maxPublishesPerSecond);
    this.#liveness = new PeerLiveness(options.heartbeatMs, parts.answersPings, now);
  }

  /** Greets the client. Before anything else. */
  welcome(): void {
    const { context, form, session, options } = this.#parts;
    this.answer({
      type: "welcome",
      subprotocol: form.subprotocol,
      sessionId: session.id,
      epoch: context.bus.epoch,
      heartbeatSeconds: options.heartbeatMs / 1_000,
      maxPayloadBytes: context.limits.maxPayloadBytes,
    });
  }

  /** Takes one command as it came. Never throws: what is wrong is answered. */
  receive(input: string | Uint8Array): void {
    if (this.#ending !== null) return;
    if (this.#gate.isOpen) this.#execute(input);
    else this.#held.push(input);
    this.#turn.took(input.length);
  }

  /** Queues bytes that are no frame of ours, such as a pong, among the answers. */
  control(bytes: Uint8Array): void {
    this.#outbox.control(bytes);
    this.#holdOverControlLimit();
  }

  answer(frame: ControlFrame): void {
    this.#outbox.control(this.#parts.form.frame(frame));
  }

  /** Ends the connection, after what the kernel takes now, and tells why. */
  end(reason: GatewayError | null): void {
    if (this.#isReleased) return;
    this.#ending ??= { reason, since: this.#parts.context.clock.now() };
    this.release();
    this.#parts.connection.end(this.#ending.reason);
  }

  /** Ends the connection as soon as everything is answered and delivered. */
  finish(reason: GatewayError | null): void {
    if (this.#ending !== null) return;
    this.#finishing = { reason };
    this.settled();
  }

  /**
   * Writes what can be written and gives back all the session holds of the bus; nothing is written
   * by the session afterwards. Called before a close frame leaves, whoever asked for it. Idempotent.
   */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#ending ??= { reason: null, since: this.#parts.context.clock.now() };
    this.#held = [];
    this.#outbox.flush();
    this.#outbox.close();
    this.#publishing.close();
    this.#subscriptions.close();
  }

  wake(): void {
    this.#outbox.wake();
  }

  overflowed(): void {
    const limits = this.#parts.context.bus.limits.queue;
    this.#endSoon(
      new GatewayError(
        "slow_subscriber",
        `the queue was full: it holds ${limits.maxMessages} messages and ${limits.maxBytes} bytes`,
      ),
    );
  }

  fill(batch: WriteBatch, room: number): boolean {
    const { context, delivery } = this.#parts;
    try {
      if (this.#reader.hasUntoldDrops) {
        this.#drops.tell(this.#subscriptions.all(), batch, context.clock.now());
      }
      return delivery.fill(this.#reader, batch, room);
    } catch (thrown) {
      logDefect(this.#parts, thrown);
      this.#endSoon(toGatewayError(thrown));
      return false;
    }
  }

  /** Ends the session for the reason noted; see {@link Flushable}. */
  flush(): void {
    if (this.#ending !== null) this.end(this.#ending.reason);
  }

  pauseReading(): void {
    this.#parts.connection.pauseReading();
  }

  readingAllowed(): void {
    const held = this.#held;
    this.#held = [];
    for (let i = 0; i < held.length; i += 1) {
      if (!this.#gate.isOpen || this.#ending !== null) {
        this.#held = held.slice(i).concat(this.#held);
        return;
      }
      const input = held[i];
      if (input !== undefined) this.#execute(input);
    }
    if (!this.#gate.isOpen) return;
    this.#parts.connection.resumeReading();
    this.settled();
  }

  published(id: CommandId, offset: number, receivedAt: number): void {
    const cursor = this.#parts.context.bus.cursorAt(offset);
    this.answer({ type: "published", id, cursor, offset });
    this.#outbox.acknowledged(receivedAt);
  }

  refused(id: CommandId | null, error: GatewayError): void {
    if (error.code === "internal") logDefect(this.#parts, error.cause ?? error);
    this.answer(errorFrame(error, id));
  }

  congested(): void {
    this.#gate.hold("receipts");
  }

  relieved(): void {
    this.#gate.release("receipts");
  }

  settled(): void {
    if (this.#finishing === null || !this.#isSettled) return;
    this.#outbox.whenIdle(() => {
      if (this.#finishing !== null && this.#isSettled) this.end(this.#finishing.reason);
    });
  }

  beat(now: number): void {
    const { connection, options } = this.#parts;
    if (this.#ending !== null) {
      if (now - this.#ending.since >= CLOSE_TIMEOUT_MS) connection.destroy();
      return;
    }
    if (this.#reader.hasUntoldDrops) this.#outbox.wake();
    if (this.#authentication.isOverdue(now)) {
      const limit = `${options.authenticateTimeoutMs} ms`;
      this.end(new GatewayError("unauthenticated", `no valid credentials came within ${limit}`));
      return;
    }
    this.#liveness.observe(now, {
      bytesRead: connection.bytesRead,
      bytesStuck: this.#outbox.isBlocked ? this.#outbox.pendingBytes : 0,
      isReadingPaused: !this.#gate.isOpen && !this.#gate.isHeldByPeer,
    });
    if (this.#liveness.isGone(now)) {
      connection.destroy();
      return;
    }
    if (now - this.#beatAt < options.heartbeatMs) return;
    this.#beatAt = now;
    connection.ping();
    this.#tellPosition();
  }

  get #isSettled(): boolean {
    return this.#gate.isOpen && this.#held.length === 0 && this.#publishing.pending === 0;
  }

  #execute(input: string | Uint8Array): void {
    let id: CommandId | null = null;
    try {
      const command = this.#parts.form.parse(input);
      id = command.id;
      this.#run(command);
    } catch (thrown) {
      if (thrown instanceof CommandError) id = thrown.commandId;
      this.refused(id, toGatewayError(thrown));
    }
    this.#holdOverControlLimit();
  }

  #run(command: Command): void {
    this.#authentication.check(command.type);
    switch (command.type) {
      case "publish":
        this.#publish(command);
        return;
      case "subscribe":
        this.#subscriptions.subscribe(command);
        return;
      case "unsubscribe":
        this.#subscriptions.unsubscribe(command);
        return;
      case "authenticate":
        this.#gate.hold("authentication");
        void this.#authenticate(command);
        return;
      case "ping": {
        const now = this.#parts.context.clock.now();
        const { id, sentAt } = command;
        this.answer({ type: "pong", id, ...(sentAt === null ? {} : { sentAt }), now });
        return;
      }
    }
  }

  #publish(command: PublishCommand): void {
    const { context, session } = this.#parts;
    const receivedAt = context.clock.now();
    const refusal = this.#rate.refusal(receivedAt);
    if (refusal !== null) {
      this.#publishing.refuse(command.id, refusal);
      if (this.#rate.isAbusedBy(receivedAt)) this.#endSoon(refusal);
      return;
    }
    this.#publishing.publish(command, session.identity, receivedAt);
    if (!context.bus.isCongested || this.#gate.isHeldBy("store")) return;
    this.#gate.hold("store");
    context.bus.whenRelieved(() => this.#gate.release("store"));
  }

  async #authenticate(command: AuthenticateCommand): Promise<void> {
    const outcome = await this.#authentication.authenticate(command);
    if (outcome instanceof GatewayError) {
      this.refused(command.id, outcome);
      if (this.#authentication.isExhausted) this.#endSoon(outcome);
    } else {
      this.#reader.identity = outcome;
      this.answer({ type: "authenticated", id: command.id });
    }
    this.#gate.release("authentication");
  }

  #holdOverControlLimit(): void {
    if (!this.#outbox.isOverControlLimit || this.#gate.isHeldByPeer) return;
    this.#gate.hold("answers");
    this.#outbox.whenBelowControlLimit(() => this.#gate.release("answers"));
  }

  /** Keeps the position of an idle reader moving, past messages that did not match. */
  #tellPosition(): void {
    if (this.#outbox.isBlocked) return;
    const { answersPings, context } = this.#parts;
    if (answersPings && this.#subscriptions.isEmpty) return;
    const position = this.#reader.position;
    if (position !== null)
      this.answer({ type: "position", cursor: context.bus.cursorAt(position) });
  }

  /** Ends the session at the end of this turn: the caller may be inside a fan-out or a flush. */
  #endSoon(reason: GatewayError): void {
    if (this.#ending !== null) return;
    this.#ending = { reason, since: this.#parts.context.clock.now() };
    this.#parts.context.flushLoop.schedule(this);
  }
}
