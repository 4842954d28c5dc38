import type { GatewayError } from "../../errors.ts";
import type { WriteBatch } from "../write-batch.ts";
import type { MqttConnection } from "./mqtt-connection.ts";

/** What an engine does with one connection. */
export interface EngineSide {
  /** Takes what has arrived. Throws the refusal that ends the connection. */
  received(chunk: Buffer): void;
  /** Nothing holds the connection any longer: goes on with what was left. Throws as {@link received}. */
  resumed(): void;
  /** Adds up to about `room` bytes of messages. Returns whether more is left. */
  fill(batch: WriteBatch, room: number): boolean;
  /** Calls back once, when nothing waits for this client any more. */
  whenDelivered(callback: () => void): void;
  /** The connection is about to end: says why, where the protocol has words for it. */
  ending(reason: GatewayError): void;
  /** The connection is over. Called once. */
  closed(): void;
}

/**
 * An implementation of MQTT. The transport owns listeners and byte streams; the engine cuts them
 * into packets, speaks the protocol and talks to the bus.
 */
export interface MqttEngine {
  start(): Promise<void>;
  /** Takes a connection that has not said a word. */
  accept(connection: MqttConnection): EngineSide;
  /** From here on no will is published: the gateway leaves, not its clients. */
  drain(): void;
  /** Releases everything, sessions included; connections have been ended before. Idempotent. */
  stop(): Promise<void>;
}

const CONNECT_TYPE = 1;

/** Whether a stream that begins with this chunk may be MQTT: CONNECT comes first [MQTT-3.1.0-1]. */
export function beginsWithConnect(chunk: Buffer): boolean {
  return chunk.length === 0 || (chunk[0] ?? 0) >> 4 === CONNECT_TYPE;
}
