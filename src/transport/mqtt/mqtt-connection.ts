import type { Duplex } from "node:stream";
import type { Origin, TransportName } from "../../bus/message.ts";
import { ANONYMOUS, type Identity } from "../../bus/ports.ts";
import { GatewayError, toGatewayError } from "../../errors.ts";
import type { Credentials } from "../../security/authenticator.ts";
import type { Flushable } from "../flush-loop.ts";
import { Outbox, type OutboxSource } from "../outbox.ts";
import type { Session } from "../session-registry.ts";
import type { TransportContext } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";
import type { EngineSide, MqttEngine } from "./engine.ts";
import type { MqttOptions } from "./options.ts";
import { CONNACK, encodeConnack } from "./packet-type.ts";

/** Why a connection is not read from at the moment. */
export const HOLD = {
  /** The engine works on a packet whose effect must precede what follows. */
  engine: 1,
  /** The engine has not taken what it was given. */
  input: 2,
  /** The client does not read its answers. */
  answers: 4,
  /** The store is behind. */
  store: 8,
  /** The client has had its share of this turn of the event loop. */
  turn: 16,
} as const;

/** One of {@link HOLD}. */
export type Hold = (typeof HOLD)[keyof typeof HOLD];

/**
 * A peer that has been sent the end of the stream has this long to end its own side: closing at once
 * would reset the connection and could take the last answer with it.
 */
const LINGER_MS = 1_000;

/**
 * Bytes read from one connection before the others, and what is to be written, have their turn.
 * Without it libuv reads up to 32 chunks of 64 KiB in a row, 2 MiB of messages, and every reader's
 * queue would have to hold them all.
 */
const TURN_BYTES = 65_536;

/** Who is at the other end of a stream, before it has said a word. */
export interface MqttPeer {
  /** Its IP address. */
  readonly address: string;
  /** What its TLS certificate says; `none` without a verified one. */
  readonly certificate: Credentials;
}

/** What a connection is given. */
export interface ConnectionParts {
  readonly context: TransportContext;
  readonly options: MqttOptions;
  readonly engine: MqttEngine;
}

/**
 * One MQTT byte stream: CONNECT in time, read in turn with the others, output bounded. It knows no
 * packet, no session and no subscription; those are the engine's.
 */
export class MqttConnection implements OutboxSource, Flushable {
  readonly session: Session;
  readonly origin: Origin;
  readonly outbox: Outbox;
  readonly certificate: Credentials;
  /** When the bytes at hand were read: milliseconds since the Unix epoch, fractional. */
  receivedAt: number;
  readonly #stream: Duplex;
  readonly #parts: ConnectionParts;
  readonly #onClose: (connection: MqttConnection) => void;
  readonly #side: EngineSide;
  #holds = 0;
  #timer: NodeJS.Timeout | null;
  /** Why it is to end at the end of this turn; `null` for no reason that could be told. */
  #ending: GatewayError | null = null;
  #turnBytes = 0;
  #isOver = false;
  #hasEnded = false;

  /** Throws `limit_exceeded` when no more sessions may be open. */
  constructor(
    stream: Duplex,
    peer: MqttPeer,
    transport: TransportName,
    parts: ConnectionParts,
    onClose: (connection: MqttConnection) => void,
  ) {
    const { context, options } = parts;
    this.#stream = stream;
    this.#parts = parts;
    this.#onClose = onClose;
    this.certificate = peer.certificate;
    this.receivedAt = context.clock.now();
    this.session = context.sessions.open(transport, peer.address, this.receivedAt, ANONYMOUS);
    this.origin = { transport, sessionId: this.session.id };
    const meter = { transport, observer: context.observer };
    this.outbox = new Outbox(stream, this, context.flushLoop, context.limits.outbox, meter);
    this.#timer = setTimeout(() => this.kill(), options.connectTimeoutMs);
    this.#side = parts.engine.accept(this);
    context.observer.connected(transport);
    stream.on("data", (chunk: Buffer) => this.#received(chunk));
    stream.on("end", () => this.#ended());
    // What went wrong with the stream is of no use to anyone; that it is over is told by "close".
    stream.on("error", () => stream.destroy());
    stream.on("close", () => this.#closed());
  }

  get transport(): TransportName {
    return this.session.transport;
  }

  get identity(): Identity {
    return this.session.identity;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The client is connected; until then the connect timeout counts, authentication included. */
  established(): void {
    if (!this.#isOver) this.#clearTimer();
  }

  /** Whether the connection is held, for whatever reason. */
  get isHeldAtAll(): boolean {
    return this.#holds !== 0;
  }

  /** Whether the connection is held for this reason. */
  isHeld(reason: Hold): boolean {
    return (this.#holds & reason) !== 0;
  }

  /** Stops reading, for one reason among several that may hold at once. */
  hold(reason: Hold): void {
    if (this.#holds === 0) this.#stream.pause();
    this.#holds |= reason;
  }

  /** Takes the reason back. What has waited is handled before anything new is read. */
  release(reason: Hold): void {
    if ((this.#holds & reason) === 0) return;
    this.#holds &= ~reason;
    if (this.#holds !== 0 || this.#isOver) return;
    try {
      this.#side.resumed();
    } catch (thrown) {
      this.refuse(thrown);
    }
    if (this.#holds !== 0 || this.#isOver) return;
    if (this.#hasEnded) this.close();
    else this.#stream.resume();
  }

  fill(batch: WriteBatch, room: number): boolean {
    return this.#side.fill(batch, room);
  }

  /** Delivers what waits for this client, then closes. */
  drain(): void {
    this.#side.whenDelivered(() => this.outbox.whenIdle(() => this.leave()));
  }

  /** The gateway is about to stop: says so, and closes. */
  leave(): void {
    if (this.#isOver) return;
    this.#side.ending(new GatewayError("draining", "the gateway is about to stop"));
    this.close();
  }

  /** Refuses the client in its protocol's words, where it has any, and closes. */
  refuse(thrown: unknown): void {
    if (this.#isOver) return;
    const error = toGatewayError(thrown);
    if (error.code === "internal") {
      this.#parts.context.logger.error("mqtt connection failed", { error: thrown });
    } else {
      this.#parts.context.logger.debug("mqtt client refused", {
        transport: this.transport,
        code: error.code,
        reason: error.message,
      });
    }
    this.#side.ending(error);
    this.close();
  }

  /** Writes what is pending, ends the stream and waits a moment for the peer to do the same. */
  close(): void {
    if (this.#isOver) return;
    this.outbox.flush();
    this.#over();
    this.#timer = setTimeout(() => this.#stream.destroy(), LINGER_MS);
    this.#stream.end();
    this.#stream.resume();
  }

  /** Ends the connection at the end of this tick, without another word. May be called in a fan-out. */
  killSoon(): void {
    this.#parts.context.flushLoop.schedule(this);
  }

  /** {@link refuse}s at the end of this tick. May be called in a fan-out. */
  refuseSoon(reason: GatewayError): void {
    if (this.#ending === null) this.#parts.context.flushLoop.schedule(this);
    this.#ending ??= reason;
  }

  flush(): void {
    if (this.#ending === null) this.kill();
    else this.refuse(this.#ending);
  }

  /** Ends the connection now. */
  kill(): void {
    this.#over();
    this.#stream.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#isOver) return;
    const { context } = this.#parts;
    this.receivedAt = context.clock.now();
    try {
      this.#side.received(chunk);
    } catch (thrown) {
      this.refuse(thrown);
    }
    if (this.#isOver) return;
    this.#turnBytes += chunk.length;
    if (this.#turnBytes >= TURN_BYTES) {
      this.#turnBytes = 0;
      this.hold(HOLD.turn);
      setImmediate(endTurn, this);
    }
    if (this.outbox.isOverControlLimit) {
      this.hold(HOLD.answers);
      this.outbox.whenBelowControlLimit(() => this.release(HOLD.answers));
    }
    if (context.bus.isCongested) {
      this.hold(HOLD.store);
      context.bus.whenRelieved(() => this.release(HOLD.store));
    }
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#holds === 0 && !this.#isOver) this.close();
    else if (this.#isOver) this.#stream.destroy();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clearTimer();
    this.outbox.close();
    this.#side.closed();
  }

  #closed(): void {
    this.#over();
    this.#clearTimer();
    const { context } = this.#parts;
    context.sessions.close(this.session);
    context.observer.disconnected(this.transport);
    this.#onClose(this);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** One function for all connections, so that a busy one makes no closure a turn. */
function endTurn(connection: MqttConnection): void {
  connection.release(HOLD.turn);
}

/** Answers a stream that is one too many, before it has said a word: CONNACK 3 and the end. */
export function turnAway(stream: Duplex): void {
  const timer = setTimeout(() => stream.destroy(), LINGER_MS);
  stream.on("error", () => stream.destroy());
  stream.on("close", () => clearTimeout(timer));
  stream.end(encodeConnack(CONNACK.serverUnavailable));
  stream.resume();
}
