import { GatewayError } from "../../../errors.ts";
import type { WriteBatch } from "../../write-batch.ts";
import {
  type ConnectLimits,
  type ConnectOutcome,
  type ConnectPacket,
  parseConnect,
} from "../connect-packet.ts";
import { beginsWithConnect, type EngineSide } from "../engine.ts";
import type { MqttConnection } from "../mqtt-connection.ts";
import { checkPacket } from "../packet-check.ts";
import { PacketSplitter, type PacketVisitor } from "../packet-splitter.ts";
import { PACKET } from "../packet-type.ts";
import type { AedesLink } from "./aedes-link.ts";

/** What the packets of one connection are handed to. */
export interface IntakeParts {
  readonly limits: ConnectLimits & { readonly maxPacketBytes: number };
  /** CONNECT is well-formed: the link takes it from here. */
  begin(connect: ConnectPacket): AedesLink;
  /** CONNECT was answered with a refusal. */
  refused(reason: string): void;
}

/**
 * The bytes of one connection on their way to aedes: cut into packets and checked, as aedes checks
 * little; what arrives while the connection is held waits here.
 */
export class PacketIntake implements EngineSide, PacketVisitor {
  readonly #connection: MqttConnection;
  readonly #parts: IntakeParts;
  readonly #splitter: PacketSplitter;
  readonly #waiting: { bytes: Buffer; how: "run" | "alone" | "last" }[] = [];
  #connect: ConnectOutcome | null = null;
  #link: AedesLink | null = null;

  constructor(connection: MqttConnection, parts: IntakeParts) {
    this.#connection = connection;
    this.#parts = parts;
    this.#splitter = new PacketSplitter(parts.limits.maxPacketBytes);
  }

  received(chunk: Buffer): void {
    const isFirst = this.#connect === null && this.#splitter.pendingBytes === 0;
    if (isFirst && !beginsWithConnect(chunk)) {
      // A peer that speaks something else is not listened to any longer.
      throw new GatewayError("bad_request", "the first packet is not CONNECT [MQTT-3.1.0-1]");
    }
    this.#splitter.push(chunk, this);
  }

  resumed(): void {
    while (!this.#connection.isHeldAtAll && !this.#connection.isOver) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#dispatch(next.bytes, next.how);
    }
  }

  packet(bytes: Buffer, start: number, body: number, end: number): "run" | "alone" | "last" {
    if (this.#connect === null) {
      this.#connect = parseConnect(bytes, start, body, end, this.#parts.limits);
      return "alone";
    }
    checkPacket(bytes, start, body, end);
    switch ((bytes[start] ?? 0) >> 4) {
      case PACKET.subscribe:
      case PACKET.unsubscribe:
        return "alone";
      case PACKET.disconnect:
        // Nothing that follows is processed [MQTT-3.14.4-2].
        return "last";
      default:
        return "run";
    }
  }

  complete(bytes: Buffer, how: "run" | "alone" | "last"): void {
    if (this.#connection.isOver) return;
    if (this.#connection.isHeldAtAll) this.#waiting.push({ bytes, how });
    else this.#dispatch(bytes, how);
  }

  fill(batch: WriteBatch, room: number): boolean {
    return this.#link?.fill(batch, room) ?? false;
  }

  whenDelivered(callback: () => void): void {
    if (this.#link === null) callback();
    else this.#link.whenDelivered(callback);
  }

  ending(): void {
    // MQTT 3 has no word for it; CONNACK is aedes' own to write.
  }

  closed(): void {
    this.#waiting.length = 0;
    this.#link?.closed();
  }

  #dispatch(bytes: Buffer, how: "run" | "alone" | "last"): void {
    if (this.#link === null) this.#begin(bytes);
    else if (how === "alone") this.#link.subscribing(bytes);
    else this.#link.packets(bytes);
  }

  #begin(bytes: Buffer): void {
    const outcome = this.#connect;
    if (outcome === null) return;
    if (outcome.is === "request") {
      this.#link = this.#parts.begin(outcome.packet);
      this.#link.begin(bytes);
      return;
    }
    this.#parts.refused(outcome.reason);
    this.#connection.outbox.control(outcome.connack);
    this.#connection.close();
  }
}
