import { type AcknowledgementName, type Level, TYPE } from "./packets.ts";
import { Properties } from "./properties.ts";
import { FieldCursor } from "./wire-bytes.ts";

interface WithProperties {
  readonly properties: Properties;
  /** Bytes of the whole packet. */
  readonly size: number;
}

export interface Connack extends WithProperties {
  readonly type: "connack";
  /** All of the first byte. */
  readonly flags: number;
  readonly sessionPresent: boolean;
  readonly reason: number;
}

export interface Publish extends WithProperties {
  readonly type: "publish";
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 with QoS 0. */
  readonly packetId: number;
}

export interface Acknowledgement extends WithProperties {
  readonly type: AcknowledgementName;
  readonly packetId: number;
  readonly reason: number;
}

export interface Granted extends WithProperties {
  readonly type: "suback" | "unsuback";
  readonly packetId: number;
  readonly reasons: readonly number[];
}

export interface Ending extends WithProperties {
  readonly type: "disconnect" | "auth";
  readonly reason: number;
}

export interface Pingresp extends WithProperties {
  readonly type: "pingresp";
}

/** The packets of a server by their names. */
interface PacketsByName {
  readonly connack: Connack;
  readonly publish: Publish;
  readonly puback: Acknowledgement;
  readonly pubrec: Acknowledgement;
  readonly pubrel: Acknowledgement;
  readonly pubcomp: Acknowledgement;
  readonly suback: Granted;
  readonly unsuback: Granted;
  readonly disconnect: Ending;
  readonly auth: Ending;
  readonly pingresp: Pingresp;
}

/** A packet of the server. */
export type Received = PacketsByName[keyof PacketsByName];

/** What has this name. */
export type ReceivedOf<Name extends keyof PacketsByName> = PacketsByName[Name];

/**
 * Reads a packet of the server by the version's form, strictly: flags, lengths and direction too.
 * Throws for whatever a server must not send.
 */
export function readPacket(level: Level, firstByte: number, body: Buffer, size: number): Received {
  const flags = firstByte & 0x0f;
  const fields = new FieldCursor(body);
  const read = new PacketReading(level, fields, size);
  const received = read.packet(firstByte >> 4, flags);
  if (!fields.isAtEnd) throw new Error(`${received.type} is longer than its fields`);
  return received;
}

class PacketReading {
  readonly #level: Level;
  readonly #fields: FieldCursor;
  readonly #size: number;

  constructor(level: Level, fields: FieldCursor, size: number) {
    this.#level = level;
    this.#fields = fields;
    this.#size = size;
  }

  packet(type: number, flags: number): Received {
    if (type === TYPE.publish) return this.#publish(flags);
    const required = type === TYPE.pubrel ? 2 : 0;
    if (flags !== required) throw new Error(`packet type ${type} has flags ${flags} [2.1.3-1]`);
    switch (type) {
      case TYPE.connack:
        return this.#connack();
      case TYPE.puback:
        return this.#acknowledgement("puback");
      case TYPE.pubrec:
        return this.#acknowledgement("pubrec");
      case TYPE.pubrel:
        return this.#acknowledgement("pubrel");
      case TYPE.pubcomp:
        return this.#acknowledgement("pubcomp");
      case TYPE.suback:
        return this.#granted("suback");
      case TYPE.unsuback:
        return this.#granted("unsuback");
      case TYPE.pingresp:
        return { type: "pingresp", properties: new Properties(), size: this.#size };
      case TYPE.disconnect:
        return this.#ending("disconnect");
      case TYPE.auth:
        return this.#ending("auth");
      default:
        throw new Error(`packet type ${type} is not a server's to send`);
    }
  }

  #connack(): Connack {
    const flags = this.#fields.byte();
    const reason = this.#fields.byte();
    const shared = { type: "connack", flags, sessionPresent: (flags & 1) === 1, reason } as const;
    // A server that does not serve version 5 may say so in the older form, which has no properties.
    return { ...shared, ...this.#properties(this.#fields.isAtEnd) };
  }

  #publish(flags: number): Publish {
    const qos = (flags >> 1) & 3;
    if (qos === 3) throw new Error("the server sent QoS 3 [3.3.1-4]");
    const topic = this.#fields.text();
    const packetId = qos > 0 ? this.#packetId() : 0;
    const properties = this.#properties(false);
    const payload = this.#fields.rest().toString("utf8");
    const dup = (flags & 8) !== 0;
    if (dup && qos === 0) throw new Error("the server sent QoS 0 with DUP [3.3.1-2]");
    const retain = (flags & 1) !== 0;
    return { type: "publish", topic, payload, qos, retain, dup, packetId, ...properties };
  }

  #acknowledgement(type: AcknowledgementName): Acknowledgement {
    const packetId = this.#packetId();
    const reason = this.#fields.isAtEnd ? 0 : this.#fields.byte();
    return { type, packetId, reason, ...this.#properties(this.#fields.isAtEnd) };
  }

  #granted(type: "suback" | "unsuback"): Granted {
    const packetId = this.#packetId();
    const properties = this.#properties(false);
    return { type, packetId, ...properties, reasons: [...this.#fields.rest()] };
  }

  #ending(type: "disconnect" | "auth"): Ending {
    if (this.#level < 5) throw new Error(`a server of version ${this.#level} sends no ${type}`);
    const reason = this.#fields.isAtEnd ? 0 : this.#fields.byte();
    return { type, reason, ...this.#properties(this.#fields.isAtEnd) };
  }

  #packetId(): number {
    const packetId = this.#fields.uint16();
    if (packetId === 0) throw new Error("the server sent packet id 0 [2.2.1-4]");
    return packetId;
  }

  #properties(isAbsent: boolean): WithProperties {
    const none = this.#level < 5 || isAbsent;
    const properties = none ? new Properties() : Properties.read(this.#fields);
    return { properties, size: this.#size };
  }
}
