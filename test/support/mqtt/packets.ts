import { type Property, properties } from "./properties.ts";
import { field, packet, uint16 } from "./wire-bytes.ts";

/** Protocol level: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type Level = 3 | 4 | 5;

export const TYPE = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

export const PINGREQ = packet(0xc0);

export interface WillFields {
  readonly topic: string | Uint8Array;
  readonly payload: string | Uint8Array;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly properties?: readonly Property[];
}

export interface ConnectFields {
  readonly name?: string;
  /** What the packet claims; its form is the writer's. */
  readonly level?: number;
  readonly clientId?: string | Uint8Array;
  readonly clean?: boolean;
  readonly keepAlive?: number;
  /** In place of the flags the other fields ask for. */
  readonly flags?: number;
  readonly will?: WillFields;
  readonly user?: string | Uint8Array;
  readonly password?: string;
  readonly properties?: readonly Property[];
}

export interface PublishFields {
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetId?: number;
  readonly properties?: readonly Property[];
}

export interface WishFields {
  readonly qos?: number;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: number;
  /** In place of the options byte the other fields ask for. */
  readonly byte?: number;
}

/** A filter with its QoS or its options. */
export type Wish = readonly [filter: string | Uint8Array, options?: number | WishFields];

export type AcknowledgementName = "puback" | "pubrec" | "pubrel" | "pubcomp";

/** Writes the packets of a client of one version; it is told what to write, sense or nonsense. */
export class PacketWriter {
  readonly level: Level;

  constructor(level: Level) {
    this.level = level;
  }

  connect(fields: ConnectFields = {}): Buffer {
    const { will, user, password } = fields;
    const willBits = will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain ? 32 : 0);
    const flags =
      ((fields.clean ?? true) ? 2 : 0) |
      willBits |
      (user === undefined ? 0 : 128) |
      (password === undefined ? 0 : 64);
    return packet(
      0x10,
      field(fields.name ?? (this.level === 3 ? "MQIsdp" : "MQTT")),
      Buffer.of(fields.level ?? this.level, fields.flags ?? flags),
      uint16(fields.keepAlive ?? 0),
      this.#properties(fields.properties),
      field(fields.clientId ?? ""),
      ...(will === undefined
        ? []
        : [this.#properties(will.properties), field(will.topic), field(will.payload)]),
      ...(user === undefined ? [] : [field(user)]),
      ...(password === undefined ? [] : [field(password)]),
    );
  }

  publish(
    topic: string | Uint8Array,
    payload: string | Uint8Array,
    fields: PublishFields = {},
  ): Buffer {
    const qos = fields.qos ?? 0;
    const first = 0x30 | (fields.dup ? 8 : 0) | (qos << 1) | (fields.retain ? 1 : 0);
    const id = qos > 0 ? [uint16(fields.packetId ?? 1)] : [];
    return packet(
      first,
      field(topic),
      ...id,
      this.#properties(fields.properties),
      Buffer.from(payload),
    );
  }

  subscribe(
    packetId: number,
    wishes: readonly Wish[],
    list: readonly Property[] = [],
    firstByte = 0x82,
  ): Buffer {
    const filters = wishes.map(([filter, options]) =>
      Buffer.concat([field(filter), Buffer.of(wishByte(options))]),
    );
    return packet(firstByte, uint16(packetId), this.#properties(list), ...filters);
  }

  unsubscribe(
    packetId: number,
    filters: readonly (string | Uint8Array)[],
    list: readonly Property[] = [],
    firstByte = 0xa2,
  ): Buffer {
    return packet(firstByte, uint16(packetId), this.#properties(list), ...filters.map(field));
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP; short where the reason is 0 and nothing is added. */
  acknowledge(
    name: AcknowledgementName,
    packetId: number,
    reason = 0,
    list: readonly Property[] = [],
  ): Buffer {
    const first = (TYPE[name] << 4) | (name === "pubrel" ? 2 : 0);
    if (this.level < 5 || (reason === 0 && list.length === 0)) {
      return packet(first, uint16(packetId));
    }
    return packet(first, uint16(packetId), Buffer.of(reason), properties(list));
  }

  disconnect(reason = 0, list: readonly Property[] = []): Buffer {
    if (this.level < 5 || (reason === 0 && list.length === 0)) return packet(0xe0);
    return packet(0xe0, Buffer.of(reason), properties(list));
  }

  auth(reason: number, list: readonly Property[] = []): Buffer {
    return packet(0xf0, Buffer.of(reason), properties(list));
  }

  #properties(list: readonly Property[] = []): Buffer {
    return this.level === 5 ? properties(list) : Buffer.alloc(0);
  }
}

function wishByte(options: number | WishFields = 0): number {
  if (typeof options === "number") return options;
  if (options.byte !== undefined) return options.byte;
  return (
    (options.qos ?? 0) |
    (options.noLocal ? 4 : 0) |
    (options.retainAsPublished ? 8 : 0) |
    ((options.retainHandling ?? 0) << 4)
  );
}
