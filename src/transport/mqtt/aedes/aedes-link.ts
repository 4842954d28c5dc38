import { NO_PROPERTIES, type Origin, type TransportName } from "../../../bus/message.ts";
import type { Identity } from "../../../bus/ports.ts";
import type { GatewayError } from "../../../errors.ts";
import type { RateLimit } from "../../../security/rate-limit.ts";
import type { WriteBatch } from "../../write-batch.ts";
import type { ConnectPacket } from "../connect-packet.ts";
import { HOLD, type MqttConnection } from "../mqtt-connection.ts";
import type { MqttSession } from "../mqtt-session.ts";
import { PACKET } from "../packet-type.ts";
import type { SessionEncoder, SessionLink } from "../session-parts.ts";
import type { SessionRequest, SessionTable } from "../session-table.ts";
import { AedesStream, type StreamHost } from "./aedes-stream.ts";

/**
 * Bytes aedes may leave unread before the connection is held: it takes a chunk only when every
 * packet of the one before is done, and one more chunk of a socket is at most 64 KiB.
 */
const MAX_INPUT_BYTES = 65_536;

/** Before MQTT 5 a client cannot say how much it takes: packet ids are the only bound. */
const RECEIVE_MAXIMUM = 65_535;

/** What a link is given. */
export interface LinkParts {
  readonly sessions: SessionTable;
  readonly encoder: SessionEncoder;
  /** Prepares a SUBSCRIBE or UNSUBSCRIBE for aedes. */
  prepare(packet: Buffer): Buffer;
}

/** One connection between the transport and aedes: two streams back to back, and the session. */
export class AedesLink implements StreamHost, SessionLink {
  readonly connection: MqttConnection;
  readonly connect: ConnectPacket;
  readonly rate: RateLimit;
  readonly stream: AedesStream;
  readonly #parts: LinkParts;
  #session: MqttSession | null = null;
  /** What is written while an answer waits until what it says is durable; `null` when none does. */
  #held: Uint8Array[] | null = null;
  #isGraceful = false;

  constructor(
    connection: MqttConnection,
    connect: ConnectPacket,
    rate: RateLimit,
    parts: LinkParts,
  ) {
    this.connection = connection;
    this.connect = connect;
    this.rate = rate;
    this.#parts = parts;
    this.stream = new AedesStream(this);
  }

  /** `null` before the client is registered. */
  get session(): MqttSession | null {
    return this.#session;
  }

  /** Hands over CONNECT; what follows it waits until CONNACK is written. */
  begin(bytes: Buffer): void {
    this.connection.hold(HOLD.engine);
    this.stream.feed(bytes);
  }

  readonly receiveMaximum = RECEIVE_MAXIMUM;

  get transport(): TransportName {
    return this.connection.transport;
  }

  get identity(): Identity {
    return this.connection.identity;
  }

  get origin(): Origin {
    return this.connection.origin;
  }

  get connectedAt(): number {
    return this.connection.session.connectedAt;
  }

  get encoder(): SessionEncoder {
    return this.#parts.encoder;
  }

  wake(): void {
    this.connection.outbox.wake();
  }

  endSoon(): void {
    this.connection.killSoon();
  }

  replaced(): void {
    this.connection.close();
  }

  /** aedes has registered the client, and closed the connection that was there before. */
  registered(clientId: string): void {
    if (this.connection.isOver) return;
    this.#session = this.#parts.sessions.attach(this, this.#request(clientId));
    this.#holdAnswer();
  }

  /** CONNACK is written: it leaves when the session it speaks of is durable. */
  ready(): void {
    this.connection.established();
    this.answerWhenDurable(() => this.#session?.open());
  }

  /** SUBACK or UNSUBACK is written, and what it says is done. */
  answerWhenDurable(onDurable: () => void = () => undefined): void {
    const record = this.#session?.record;
    if (record === undefined) this.releaseSoon();
    else record.whenDurable((refusal) => this.#answer(refusal, onDurable));
  }

  /** Lets the packets behind a held one through, outside aedes' parser, which is not re-entrant. */
  releaseSoon(): void {
    setImmediate(() => this.connection.release(HOLD.engine));
  }

  /** Whole, well-formed packets side by side; none is a SUBSCRIBE or UNSUBSCRIBE. */
  packets(run: Buffer): void {
    // DISCONNECT comes by itself, as the last packet.
    if ((run[0] ?? 0) >> 4 === PACKET.disconnect) this.#isGraceful = true;
    this.stream.feed(run);
    if (this.stream.inputBytes > MAX_INPUT_BYTES) this.connection.hold(HOLD.input);
  }

  /** One SUBSCRIBE or UNSUBSCRIBE. */
  subscribing(packet: Buffer): void {
    this.connection.hold(HOLD.engine);
    const prepared = this.#parts.prepare(packet);
    this.#holdAnswer();
    this.stream.feed(prepared);
  }

  fill(batch: WriteBatch, room: number): boolean {
    // What a held answer announces must not come before it.
    if (this.#held !== null) return false;
    return this.#session?.fill(batch, room) ?? false;
  }

  whenDelivered(callback: () => void): void {
    if (this.#session === null) callback();
    else this.#session.whenDelivered(callback);
  }

  closed(): void {
    this.stream.destroy();
    const leaving = { isGraceful: this.#isGraceful };
    if (this.#session !== null) this.#parts.sessions.detach(this.#session, this, leaving);
  }

  written(bytes: Uint8Array): void {
    if (this.#held === null) this.connection.outbox.control(bytes);
    else this.#held.push(Uint8Array.from(bytes));
  }

  drained(): void {
    // Not at once: aedes is about to parse what it has just read.
    if (this.connection.isHeld(HOLD.input)) {
      setImmediate(() => this.connection.release(HOLD.input));
    }
  }

  destroyed(): void {
    this.connection.close();
  }

  #request(clientId: string): SessionRequest {
    const { clean, will } = this.connect;
    return {
      clientId,
      isCleanStart: clean,
      endsWithConnection: clean,
      expirySeconds: null,
      will: will === null ? null : { ...will, properties: NO_PROPERTIES, delaySeconds: 0 },
    };
  }

  #holdAnswer(): void {
    if (this.#session?.record.isAwaited === true) this.#held ??= [];
  }

  #answer(refusal: GatewayError | null, onDurable: () => void): void {
    if (this.connection.isOver) return;
    if (refusal !== null) {
      this.connection.refuse(refusal);
      return;
    }
    for (const bytes of this.#held ?? []) this.connection.outbox.control(bytes);
    this.#held = null;
    onDurable();
    this.wake();
    this.releaseSoon();
  }
}
