import type { WireCause } from "../comparison-result.ts";
import { Assembly, type WireAccount } from "./account.ts";
import type { Direction, WireTally } from "./wire-tally.ts";

/** MQTT control packet types (MQTT 5.0 §2.1.2). */
const CONNECT = 1;
const PUBLISH = 3;
const PUBACK = 4;
const PUBCOMP = 7;
const PINGREQ = 12;
const PINGRESP = 13;

const MQTT_5 = 5;

/** A packet's bytes by cause: for a PUBLISH two, for any other one. */
export interface PacketBytes {
  readonly cause: WireCause;
  readonly bytes: number;
  /** Of a PUBLISH: what is behind the header. */
  readonly payload: number;
}

/** Cuts both directions of a connection into packets. */
export class MqttPackets {
  readonly #pending: Readonly<Record<Direction, Assembly>> = {
    up: new Assembly(),
    down: new Assembly(),
  };
  #version = 4;

  /** The packets that `bytes` complete. */
  take(direction: Direction, bytes: Buffer): PacketBytes[] {
    const pending = this.#pending[direction];
    pending.add(bytes);
    const packets: PacketBytes[] = [];
    for (let length = packetLength(pending.bytes); length !== null; ) {
      if (pending.bytes.length < length) break;
      packets.push(this.#read(pending.cut(length)));
      length = packetLength(pending.bytes);
    }
    return packets;
  }

  #read(packet: Buffer): PacketBytes {
    const type = (packet[0] ?? 0) >> 4;
    const { length } = packet;
    if (type === CONNECT) {
      // Protocol name, then level (§3.1.2.2).
      const start = 1 + variable(packet, 1).size;
      this.#version = packet[start + 2 + packet.readUInt16BE(start)] ?? this.#version;
    }
    if (type === PUBLISH) {
      const payload = length - this.#publishHeader(packet);
      return { cause: "framing", bytes: length - payload, payload };
    }
    return { cause: causeOf(type), bytes: length, payload: 0 };
  }

  /** Bytes in front of the payload (§3.3). */
  #publishHeader(packet: Buffer): number {
    const qos = ((packet[0] ?? 0) >> 1) & 3;
    let at = 1 + variable(packet, 1).size;
    at += 2 + packet.readUInt16BE(at);
    if (qos > 0) at += 2;
    if (this.#version < MQTT_5) return at;
    const properties = variable(packet, at);
    return at + properties.size + properties.value;
  }
}

/** Charges MQTT over TCP. */
export class MqttAccount implements WireAccount {
  readonly #packets = new MqttPackets();
  readonly #tally: WireTally;

  constructor(tally: WireTally) {
    this.#tally = tally;
  }

  take(direction: Direction, bytes: Buffer): void {
    for (const packet of this.#packets.take(direction, bytes)) {
      this.#tally.add(packet.cause, packet.bytes);
      this.#tally.add("payload", packet.payload);
    }
  }
}

/** CONNECT to UNSUBACK and DISCONNECT are what a connection costs, not a message. */
function causeOf(type: number): WireCause {
  if (type >= PUBACK && type <= PUBCOMP) return "acknowledgement";
  return type === PINGREQ || type === PINGRESP ? "keepAlive" : "handshake";
}

/** The whole length of the packet at the front; `null` while its length has not come. */
function packetLength(bytes: Buffer): number | null {
  // Two bytes at least, and a length that goes on while its highest bit is set.
  for (let size = 1; size <= 4 && size < bytes.length; size += 1) {
    if (((bytes[size] ?? 0) & 0x80) === 0) return 1 + size + variable(bytes, 1).value;
  }
  return null;
}

/** A variable byte integer (§1.5.5). */
function variable(bytes: Buffer, start: number): { readonly value: number; readonly size: number } {
  let value = 0;
  let size = 0;
  for (;;) {
    const byte = bytes[start + size] ?? 0;
    value += (byte & 0x7f) * 128 ** size;
    size += 1;
    if ((byte & 0x80) === 0 || size === 4) return { value, size };
  }
}
