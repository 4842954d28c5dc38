import type { RateLimit } from "../../../security/rate-limit.ts";
import type { WriteBatch } from "../../write-batch.ts";
import type { ConnectPacket } from "../connect-packet.ts";
import type { EngineSide } from "../engine.ts";
import { HOLD, type MqttConnection } from "../mqtt-connection.ts";
import type { MqttSession } from "../mqtt-session.ts";
import type { SessionTable } from "../session-table.ts";
import { AedesStream, type StreamHost } from "./aedes-stream.ts";

/**
 * Bytes aedes may leave unread before the connection is held: it takes a chunk only when every
 * packet of the one before is done, and one more chunk of a socket is at most 64 KiB.
 */
const MAX_INPUT_BYTES = 65_536;

/** What a link is given. */
export interface LinkParts {
  readonly sessions: SessionTable;
  /** Prepares a SUBSCRIBE or UNSUBSCRIBE for aedes. */
  prepare(packet: Buffer): Buffer;
}

/** One connection between the transport and aedes: two streams back to back, and the session. */
export class AedesLink implements EngineSide, StreamHost {
  readonly connection: MqttConnection;
  readonly connect: ConnectPacket;
  readonly rate: RateLimit;
  readonly stream: AedesStream;
  readonly #parts: LinkParts;
  #session: MqttSession | null = null;

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

  /** aedes has registered the client, and closed the connection that was there before. */
  registered(clientId: string): void {
    if (this.connection.isOver) return;
    this.#session = this.#parts.sessions.attach(this.connection, clientId, this.connect.clean);
  }

  /** CONNACK is written. */
  ready(): void {
    this.connection.established();
    this.#session?.open();
    this.releaseSoon();
  }

  /** Lets the packets behind a held one through, outside aedes' parser, which is not re-entrant. */
  releaseSoon(): void {
    setImmediate(() => this.connection.release(HOLD.engine));
  }

  packets(run: Buffer): void {
    this.stream.feed(run);
    if (this.stream.inputBytes > MAX_INPUT_BYTES) this.connection.hold(HOLD.input);
  }

  subscribing(packet: Buffer): void {
    this.connection.hold(HOLD.engine);
    this.stream.feed(this.#parts.prepare(packet));
  }

  fill(batch: WriteBatch, room: number): boolean {
    return this.#session?.fill(batch, room) ?? false;
  }

  whenDelivered(callback: () => void): void {
    if (this.#session === null) callback();
    else this.#session.whenDelivered(callback);
  }

  closed(): void {
    this.stream.destroy();
    if (this.#session !== null) this.#parts.sessions.detach(this.#session, this.connection);
  }

  written(bytes: Uint8Array): void {
    this.connection.outbox.control(bytes);
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
}
