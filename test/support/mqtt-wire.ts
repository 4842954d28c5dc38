import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** One packet as it stood on the wire. */
export interface WirePacket {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** What a PUBLISH held. */
export interface WirePublish {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
}

export const TYPE = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  unsuback: 11,
  pingresp: 13,
} as const;

const DEADLINE_MS = 5_000;

/** A client that says exactly the bytes it is told to; packets are made by hand, not by a library. */
export class WireClient {
  readonly socket: Socket;
  readonly #packets: WirePacket[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", () => undefined);
    for (const over of ["end", "close"]) {
      socket.on(over, () => {
        this.#isClosed = true;
        this.#wake?.();
      });
    }
  }

  static async open(port: number): Promise<WireClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new WireClient(socket);
  }

  /** Opens, connects and takes CONNACK; returns its session-present flag with the client. */
  static async connected(
    port: number,
    fields: ConnectFields = {},
  ): Promise<WireClient & { sessionPresent?: boolean }> {
    const client = await WireClient.open(port);
    client.send(connectPacket(fields));
    const connack = await client.take(TYPE.connack);
    if (connack.body[1] !== 0) throw new Error(`refused with return code ${connack.body[1]}`);
    return Object.assign(client, { sessionPresent: connack.body[0] === 1 });
  }

  send(...packets: Uint8Array[]): void {
    this.socket.write(Buffer.concat(packets));
  }

  /** The next packet; rejects when the connection ends first or nothing comes in time. */
  async next(): Promise<WirePacket> {
    const packet = await this.#await(() => this.#packets.shift());
    if (packet === undefined) throw new Error("the connection was closed before a packet came");
    return packet;
  }

  /** The next packet, which has to be of this type. */
  async take(type: number): Promise<WirePacket> {
    const packet = await this.next();
    if (packet.type !== type) throw new Error(`expected packet type ${type}, got ${packet.type}`);
    return packet;
  }

  /** The next packet, which has to be a PUBLISH; acknowledges nothing. */
  async message(): Promise<WirePublish> {
    return parsePublish(await this.take(TYPE.publish));
  }

  /** Subscribes and returns the return codes. */
  async subscribe(...wishes: (readonly [filter: string, qos: number])[]): Promise<number[]> {
    this.send(subscribePacket(77, ...wishes));
    return [...(await this.take(TYPE.suback)).body.subarray(2)];
  }

  /** Resolves when the server has ended the connection; packets that came before are an error. */
  async closed(): Promise<void> {
    const packet = await this.#await(() => this.#packets.shift());
    if (packet !== undefined) throw new Error(`expected the end, got packet type ${packet.type}`);
  }

  /** Resolves once a PINGREQ was answered: everything said before has been handled. */
  async settled(): Promise<void> {
    this.send(PINGREQ);
    await this.take(TYPE.pingresp);
  }

  end(): void {
    this.socket.destroy();
  }

  async #await<T>(attempt: () => T | undefined): Promise<T | undefined> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const found = attempt();
      if (found !== undefined || this.#isClosed) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error("nothing came within the deadline");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #received(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (;;) {
      let length = 0;
      let at = 1;
      for (let factor = 1; ; factor *= 128) {
        const byte = this.#pending[at];
        if (byte === undefined) return;
        length += (byte & 0x7f) * factor;
        at += 1;
        if (byte < 0x80) break;
      }
      if (this.#pending.length < at + length) return;
      const header = this.#pending[0] ?? 0;
      const body = this.#pending.subarray(at, at + length);
      this.#packets.push({ type: header >> 4, flags: header & 15, body });
      this.#pending = this.#pending.subarray(at + length);
      this.#wake?.();
    }
  }
}

export const PINGREQ = Buffer.of(0xc0, 0);
export const DISCONNECT = Buffer.of(0xe0, 0);

/** Any packet: header byte, remaining length, body. */
export function packet(header: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const head = [header];
  let left = body.length;
  do {
    head.push((left % 128) | (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from(head), body]);
}

/** A two-byte number. */
export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

/** Bytes or text with their length before them. */
export function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

export interface ConnectFields {
  readonly name?: string;
  readonly level?: number;
  readonly clientId?: string;
  readonly clean?: boolean;
  readonly keepAlive?: number;
  /** Overrides the flags computed from the other fields. */
  readonly flags?: number;
  readonly will?: {
    readonly topic: string;
    readonly payload: string;
    readonly qos?: number;
    readonly retain?: boolean;
  };
  readonly user?: string;
  readonly password?: string;
}

export function connectPacket(fields: ConnectFields = {}): Buffer {
  const { will, user, password } = fields;
  const flags =
    ((fields.clean ?? true) ? 2 : 0) |
    (will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain ? 32 : 0)) |
    (user === undefined ? 0 : 128) |
    (password === undefined ? 0 : 64);
  return packet(
    0x10,
    field(fields.name ?? "MQTT"),
    Buffer.of(fields.level ?? 4, fields.flags ?? flags),
    uint16(fields.keepAlive ?? 0),
    field(fields.clientId ?? ""),
    ...(will === undefined ? [] : [field(will.topic), field(will.payload)]),
    ...(user === undefined ? [] : [field(user)]),
    ...(password === undefined ? [] : [field(password)]),
  );
}

export interface PublishFields {
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetId?: number;
}

export function publishPacket(
  topic: string | Uint8Array,
  payload: string | Uint8Array,
  fields: PublishFields = {},
): Buffer {
  const qos = fields.qos ?? 0;
  const header = 0x30 | (fields.dup ? 8 : 0) | (qos << 1) | (fields.retain ? 1 : 0);
  const id = qos > 0 ? [uint16(fields.packetId ?? 1)] : [];
  return packet(header, field(topic), ...id, Buffer.from(payload));
}

export function subscribePacket(
  packetId: number,
  ...wishes: (readonly [filter: string | Uint8Array, qos: number])[]
): Buffer {
  const filters = wishes.flatMap(([filter, qos]) => [field(filter), Buffer.of(qos)]);
  return packet(0x82, uint16(packetId), ...filters);
}

export function unsubscribePacket(packetId: number, ...filters: string[]): Buffer {
  return packet(0xa2, uint16(packetId), ...filters.map((filter) => field(filter)));
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function acknowledgement(type: number, packetId: number): Buffer {
  return packet((type << 4) | (type === TYPE.pubrel ? 2 : 0), uint16(packetId));
}

export function parsePublish({ flags, body }: WirePacket): WirePublish {
  const length = body.readUInt16BE(0);
  const qos = (flags >> 1) & 3;
  const after = 2 + length;
  return {
    topic: body.toString("utf8", 2, after),
    payload: body.toString("utf8", after + (qos > 0 ? 2 : 0)),
    qos,
    retain: (flags & 1) === 1,
    dup: (flags & 8) === 8,
    packetId: qos > 0 ? body.readUInt16BE(after) : 0,
  };
}
