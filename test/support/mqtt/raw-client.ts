import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  type ConnectFields,
  type Level,
  PacketWriter,
  PINGREQ,
  type PublishFields,
  type Wish,
} from "./packets.ts";
import type { Property } from "./properties.ts";
import {
  type Connack,
  type Publish,
  type Received,
  type ReceivedOf,
  readPacket,
} from "./received.ts";

/** How long a client waits for what must come. */
const DEADLINE_MS = 5_000;

/** How a server ended a connection: what it said last, if anything. */
export interface Ended {
  readonly by: "connack" | "disconnect" | "close";
  /** Its reason code; 0 where it said nothing. */
  readonly reason: number;
  readonly said: Received | null;
}

/**
 * A client of one version over a socket. It sends exactly the bytes it is told to, keeps no state of
 * the protocol, acknowledges nothing by itself, and reads what the server sends strictly.
 */
export class RawClient {
  readonly socket: Socket;
  readonly level: Level;
  readonly write: PacketWriter;
  /** The answer to the last {@link connect}. */
  connack: Connack | null = null;
  readonly #packets: Received[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #failure: Error | null = null;
  #isClosed = false;
  #wake: (() => void) | null = null;
  #lastPacketId = 1_000;

  private constructor(socket: Socket, level: Level) {
    this.socket = socket;
    this.level = level;
    this.write = new PacketWriter(level);
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", () => socket.destroy());
    for (const over of ["end", "close"]) {
      socket.on(over, () => {
        this.#isClosed = true;
        this.#wake?.();
      });
    }
  }

  static async open(port: number, level: Level): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new RawClient(socket, level);
  }

  send(...packets: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(packets));
  }

  /** Sends CONNECT and takes the accepting CONNACK. */
  async connect(fields: ConnectFields = {}): Promise<Connack> {
    this.send(this.write.connect(fields));
    const connack = await this.take("connack");
    if (connack.reason !== 0) throw new Error(`refused with 0x${connack.reason.toString(16)}`);
    this.connack = connack;
    return connack;
  }

  /** Subscribes and returns the codes of SUBACK. Packets before SUBACK are an error. */
  async subscribe(...wishes: Wish[]): Promise<readonly number[]> {
    this.send(this.write.subscribe(this.packetId(), wishes));
    return (await this.take("suback")).reasons;
  }

  /** Subscribes with a subscription identifier. */
  async subscribeAs(identifier: number, ...wishes: Wish[]): Promise<readonly number[]> {
    const list: Property[] = [["subscriptionIdentifier", identifier]];
    this.send(this.write.subscribe(this.packetId(), wishes, list));
    return (await this.take("suback")).reasons;
  }

  /** Publishes and goes through the handshake of its QoS. */
  async publish(topic: string, payload: string, fields: PublishFields = {}): Promise<void> {
    const packetId = this.packetId();
    this.send(this.write.publish(topic, payload, { packetId, ...fields }));
    if (fields.qos === 1) await this.take("puback");
    if (fields.qos !== 2) return;
    await this.take("pubrec");
    this.send(this.write.acknowledge("pubrel", fields.packetId ?? packetId));
    await this.take("pubcomp");
  }

  /** The next packet, which has to be a PUBLISH; acknowledges nothing. */
  message(): Promise<Publish> {
    return this.take("publish");
  }

  /** The payloads of the next messages, each of which is acknowledged to the end. */
  async payloads(count: number): Promise<string[]> {
    const payloads: string[] = [];
    let open = 0;
    while (payloads.length < count || open > 0) {
      const packet = await this.next();
      if (packet.type === "pubrel") {
        this.send(this.write.acknowledge("pubcomp", packet.packetId));
        open -= 1;
        continue;
      }
      if (packet.type !== "publish") throw new Error(`unexpected ${JSON.stringify(packet)}`);
      payloads.push(packet.payload);
      if (packet.qos === 1) this.send(this.write.acknowledge("puback", packet.packetId));
      if (packet.qos !== 2) continue;
      this.send(this.write.acknowledge("pubrec", packet.packetId));
      open += 1;
    }
    return payloads;
  }

  /** The next packet; rejects when the connection ends first or nothing comes in time. */
  async next(): Promise<Received> {
    const packet = await this.#await(() => this.#packets.shift());
    if (packet === undefined) throw new Error("the connection was closed before a packet came");
    return packet;
  }

  /** The next packet, or `null` once the connection is over and everything is read. */
  async nextOrEnd(): Promise<Received | null> {
    return (await this.#await(() => this.#packets.shift())) ?? null;
  }

  /** The next packet, which has to have this name. */
  async take<Name extends Received["type"]>(name: Name): Promise<ReceivedOf<Name>> {
    const packet = await this.next();
    if (!isNamed(packet, name)) {
      throw new Error(`expected ${name.toUpperCase()}, got ${JSON.stringify(packet)}`);
    }
    return packet;
  }

  /** Resolves when the server has ended the connection; a packet before that is an error. */
  async closed(): Promise<void> {
    const { said } = await this.ended();
    if (said !== null) throw new Error(`expected the end, got ${JSON.stringify(said)}`);
  }

  /** Waits for the end of the connection, with at most one CONNACK or DISCONNECT before it. */
  async ended(): Promise<Ended> {
    const said = await this.#await(() => this.#packets.shift());
    if (said === undefined) return { by: "close", reason: 0, said: null };
    if (said.type !== "connack" && said.type !== "disconnect") {
      throw new Error(`expected the end, got ${JSON.stringify(said)}`);
    }
    const more = await this.#await(() => this.#packets.shift());
    if (more !== undefined) throw new Error(`${said.type} is followed by ${JSON.stringify(more)}`);
    return { by: said.type, reason: said.reason, said };
  }

  /** Resolves once PINGREQ was answered: everything said before has been handled, nothing came. */
  async settled(): Promise<void> {
    this.send(PINGREQ);
    await this.take("pingresp");
  }

  /** Says goodbye and waits for the end. */
  async leave(reason = 0): Promise<void> {
    this.send(this.write.disconnect(reason));
    await this.closed();
    this.drop();
  }

  /** Breaks the connection without a word. */
  drop(): void {
    this.socket.destroy();
  }

  /** A packet id this client has not used. */
  packetId(): number {
    this.#lastPacketId += 1;
    return this.#lastPacketId;
  }

  async #await<T>(attempt: () => T | undefined): Promise<T | undefined> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const found = attempt();
      if (found !== undefined) return found;
      if (this.#failure !== null) throw this.#failure;
      if (this.#isClosed) return undefined;
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
    try {
      while (this.#cut());
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    }
    this.#wake?.();
  }

  /** Reads one packet off what has come. Returns whether there was a whole one. */
  #cut(): boolean {
    let length = 0;
    let at = 1;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#pending[at];
      if (byte === undefined) return false;
      length += (byte & 0x7f) * factor;
      at += 1;
      if (byte < 0x80) break;
      if (at > 4) throw new Error("the server sent a remaining length of five bytes");
    }
    const end = at + length;
    if (this.#pending.length < end) return false;
    const first = this.#pending[0] ?? 0;
    const body = this.#pending.subarray(at, end);
    this.#pending = this.#pending.subarray(end);
    this.#packets.push(readPacket(this.level, first, body, end));
    return true;
  }
}

function isNamed<Name extends Received["type"]>(
  packet: Received,
  name: Name,
): packet is ReceivedOf<Name> {
  return packet.type === name;
}
