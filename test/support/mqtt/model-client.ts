import { type Level, PINGREQ } from "./packets.ts";
import { RawClient } from "./raw-client.ts";
import type { Publish, Received } from "./received.ts";
import { type ModelQoS, SessionModel } from "./session-model.ts";

/** So few that they are soon used again, and fewer than a server may refuse to have open. */
const PACKET_IDS = [1, 2, 3] as const;

const SESSION_TAKEN_OVER = 0x8e;

interface Pending {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 1 | 2;
  isReceived: boolean;
}

/**
 * A client that keeps the rules for its part: it remembers what it has not completed, repeats it when
 * its session is still there, and forgets it when it is not. Holds what it gets against the model.
 */
export class ModelClient {
  readonly clientId: string;
  session: SessionModel | null = null;
  readonly #port: number;
  readonly #level: Level;
  readonly #pending = new Map<number, Pending>();
  readonly #unreleased = new Set<number>();
  /** Answers it owes and does not give yet; `null` while it gives them at once. */
  #withheld: Buffer[] | null = null;
  #raw: RawClient | null = null;

  constructor(port: number, clientId: string, level: Level) {
    this.#port = port;
    this.clientId = clientId;
    this.#level = level;
  }

  get isConnected(): boolean {
    return this.#raw !== null;
  }

  get openPackets(): number {
    return this.#pending.size;
  }

  /** The answers it withholds, as they would be sent. */
  get owedAnswers(): Buffer {
    return Buffer.concat(this.#withheld ?? []);
  }

  /** Messages of QoS 2 it has, and was not told to forget the packet id of. */
  get unreleased(): number {
    return this.#raw === null ? 0 : this.#unreleased.size;
  }

  /**
   * Connects, over a connection it may still have. Throws when the server's word is not true. Returns
   * how many packets there were for it.
   */
  async connect(isClean: boolean, wantsKept: boolean): Promise<number> {
    const isKept = this.#level === 5 ? wantsKept : !isClean;
    const isExpected = !isClean && this.session?.isKept === true;
    const replaced = this.#raw;
    const raw = await RawClient.open(this.#port, this.#level);
    const { sessionPresent } = await raw.connect({
      clientId: this.clientId,
      clean: isClean,
      properties: this.#level === 5 && isKept ? [["sessionExpiry", 3_600]] : [],
    });
    if (replaced !== null) await this.#takenOver(replaced);
    if (sessionPresent !== isExpected) throw new Error(`session present is ${sessionPresent}`);
    this.#raw = raw;
    this.#withheld = null;
    if (this.session === null || !isExpected) this.#begin(isKept);
    else {
      this.session.isKept = isKept;
      this.session.isConnected = true;
    }
    for (const [packetId, pending] of this.#pending) this.#repeat(packetId, pending);
    return await this.settle();
  }

  /** Says goodbye, and reads on to the end. */
  async disconnect(): Promise<void> {
    const raw = this.#raw;
    if (raw === null) return;
    raw.send(raw.write.disconnect());
    await this.#readToEnd(raw);
    this.#disconnected();
  }

  /** Sends these bytes and is gone without reading what came. */
  drop(lastWords: Buffer = Buffer.alloc(0)): void {
    const raw = this.#raw;
    if (raw === null) return;
    raw.send(lastWords);
    raw.drop();
    this.#disconnected();
  }

  async subscribe(filter: string, qos: ModelQoS): Promise<void> {
    const raw = this.#raw;
    if (raw === null) return;
    raw.send(raw.write.subscribe(raw.packetId(), [[filter, qos]]));
    const { reasons } = await this.#answer(raw, "suback");
    if (reasons[0] !== qos) throw new Error(`SUBACK grants ${reasons[0]}`);
    this.session?.filters.set(filter, qos);
  }

  async unsubscribe(filter: string): Promise<void> {
    const raw = this.#raw;
    if (raw === null) return;
    raw.send(raw.write.unsubscribe(raw.packetId(), [filter]));
    await this.#answer(raw, "unsuback");
    this.session?.unsubscribed(filter);
  }

  /** The packet of a new message, noted as pending; `null` while too many are. */
  compose(topic: string, payload: string, qos: ModelQoS): Buffer | null {
    const raw = this.#raw;
    if (raw === null) return null;
    if (qos === 0) return raw.write.publish(topic, payload, { qos });
    const packetId = PACKET_IDS.find((id) => !this.#pending.has(id));
    if (packetId === undefined) return null;
    this.#pending.set(packetId, { topic, payload, qos, isReceived: false });
    return raw.write.publish(topic, payload, { qos, packetId });
  }

  /** Sends it and waits for the first answer to it. */
  async publish(packet: Buffer): Promise<void> {
    this.#raw?.send(packet);
    await this.settle();
    for (const { qos, isReceived, payload } of this.#pending.values()) {
      if (qos === 1 || !isReceived) throw new Error(`message ${payload} was not acknowledged`);
    }
  }

  /** Sends messages of QoS 2 again that are with the server, and not released; before MQTT 5 it may. */
  async repeat(): Promise<void> {
    if (this.#raw === null || this.#level === 5 || this.#withheld === null) return;
    for (const [packetId, { topic, payload, qos }] of this.#pending) {
      this.#raw.send(this.#raw.write.publish(topic, payload, { qos, packetId, dup: true }));
    }
    await this.settle();
  }

  /** From now on it answers nothing. */
  withhold(): void {
    if (this.#raw !== null) this.#withheld ??= [];
  }

  /** Gives the answers it owes, and all others at once. */
  async acknowledge(): Promise<void> {
    if (this.#raw === null) return;
    for (const answer of this.#withheld ?? []) this.#raw.send(answer);
    this.#withheld = null;
    await this.settle();
  }

  /** Takes in what the server has for it. Returns how many packets there were. */
  async settle(): Promise<number> {
    const raw = this.#raw;
    if (raw === null) return 0;
    let count = 0;
    // The answer to the first may overtake what is delivered in the same turn, that to the second not.
    for (let round = 0; round < 2; round += 1) {
      raw.send(PINGREQ);
      for (let packet = await raw.next(); packet.type !== "pingresp"; count += 1) {
        this.#take(raw, packet, true);
        packet = await raw.next();
      }
    }
    return count;
  }

  #begin(isKept: boolean): void {
    this.session = new SessionModel(isKept);
    this.#pending.clear();
    this.#unreleased.clear();
  }

  #disconnected(): void {
    this.#raw = null;
    this.#withheld = null;
    this.session?.disconnected();
    if (this.session?.isKept === false) this.session = null;
  }

  async #takenOver(raw: RawClient): Promise<void> {
    const last = await this.#readToEnd(raw);
    if (this.#level === 5 && (last?.type !== "disconnect" || last.reason !== SESSION_TAKEN_OVER)) {
      throw new Error(`the connection that was taken over was told ${JSON.stringify(last)}`);
    }
    this.#disconnected();
  }

  /** What had been sent before the end has come. */
  async #readToEnd(raw: RawClient): Promise<Received | null> {
    let last: Received | null = null;
    for (let packet = await raw.nextOrEnd(); packet !== null; packet = await raw.nextOrEnd()) {
      if (packet.type !== "disconnect") this.#take(raw, packet, false);
      last = packet;
    }
    raw.drop();
    return last;
  }

  async #answer<Name extends "suback" | "unsuback">(raw: RawClient, name: Name) {
    for (;;) {
      const packet = await raw.next();
      if (isNamed(packet, name)) return packet;
      this.#take(raw, packet, true);
    }
  }

  #take(raw: RawClient, packet: Received, mayAnswer: boolean): void {
    const reply = this.#reply(raw, packet);
    if (reply === null || !mayAnswer) return;
    if (this.#withheld !== null) this.#withheld.push(reply);
    else raw.send(reply);
  }

  /** What the packet is answered with, after it had its effect. */
  #reply({ write }: RawClient, packet: Received): Buffer | null {
    switch (packet.type) {
      case "publish":
        this.#delivered(packet);
        if (packet.qos === 0) return null;
        return write.acknowledge(packet.qos === 1 ? "puback" : "pubrec", packet.packetId);
      case "puback":
      case "pubcomp":
        if (packet.type === "puback") this.#expectPending(packet.packetId, 1);
        this.#pending.delete(packet.packetId);
        return null;
      case "pubrec":
        this.#expectPending(packet.packetId, 2).isReceived = true;
        return write.acknowledge("pubrel", packet.packetId);
      case "pubrel":
        this.#unreleased.delete(packet.packetId);
        return write.acknowledge("pubcomp", packet.packetId);
      default:
        throw new Error(`unexpected ${JSON.stringify(packet)}`);
    }
  }

  #delivered({ payload, qos, packetId, dup }: Publish): void {
    if (qos === 2 && this.#unreleased.has(packetId)) {
      if (!dup) throw new Error(`packet id ${packetId} is used again before its PUBREL`);
      return;
    }
    if (qos === 2) this.#unreleased.add(packetId);
    if (this.session === null) throw new Error(`message ${payload} came without a session`);
    this.session.received(payload, qos === 2 ? 2 : qos === 1 ? 1 : 0, dup);
  }

  #expectPending(packetId: number, qos: 1 | 2): Pending {
    const pending = this.#pending.get(packetId);
    if (pending?.qos === qos) return pending;
    throw new Error(`packet id ${packetId} is acknowledged, and nothing of QoS ${qos} is pending`);
  }

  #repeat(packetId: number, { topic, payload, qos, isReceived }: Pending): void {
    const raw = this.#raw;
    if (raw === null) return;
    if (isReceived) raw.send(raw.write.acknowledge("pubrel", packetId));
    else raw.send(raw.write.publish(topic, payload, { qos, packetId, dup: true }));
  }
}

function isNamed<Name extends Received["type"]>(
  packet: Received,
  name: Name,
): packet is Extract<Received, { readonly type: Name }> {
  return packet.type === name;
}
