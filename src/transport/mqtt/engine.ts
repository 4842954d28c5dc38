import type { WriteBatch } from "../write-batch.ts";
import type { ConnectPacket } from "./connect-packet.ts";
import type { MqttConnection } from "./mqtt-connection.ts";

/** What an engine does with one connection. */
export interface EngineSide {
  /** Whole, well-formed packets side by side; none is a SUBSCRIBE or UNSUBSCRIBE. */
  packets(run: Buffer): void;
  /** One SUBSCRIBE or UNSUBSCRIBE. */
  subscribing(packet: Buffer): void;
  /** Adds up to about `room` bytes of messages. Returns whether more is left. */
  fill(batch: WriteBatch, room: number): boolean;
  /** Calls back once, when nothing waits for this client any more. */
  whenDelivered(callback: () => void): void;
  /** The connection is over. Called once. */
  closed(): void;
}

/**
 * An implementation of MQTT. The transport owns listeners, bytes and packet framing; the engine
 * speaks the protocol and talks to the bus.
 */
export interface MqttEngine {
  start(): Promise<void>;
  /** Takes a connection whose CONNECT is well-formed; `bytes` is that packet. */
  accept(connection: MqttConnection, connect: ConnectPacket, bytes: Buffer): EngineSide;
  /** From here on no will is published: the gateway leaves, not its clients. */
  drain(): void;
  /** Releases everything, sessions included; connections have been ended before. Idempotent. */
  stop(): Promise<void>;
}
