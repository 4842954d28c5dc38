import { SeededRandom } from "../seeded-random.ts";
import { type ConnectFields, type Level, PacketWriter, PINGREQ, type Wish } from "./packets.ts";
import type { Property } from "./properties.ts";
import { variableInteger } from "./wire-bytes.ts";

/** Few names, so that clients meet: they take sessions over, and receive each other's messages. */
const CLIENT_IDS = ["f1", "f2", "f3", "f4", "f5", "f6"] as const;
const TOPICS = ["f", "f/a", "f/a/b", "f//c", "f/é", "/f"] as const;
const FILTERS = ["f/#", "f/+", "+/a", "#", "$share/g/f/#", "$share/g/f/a", "f/a/b", "/f"] as const;

/** Bytes at which readers of this protocol decide. */
const EDGES = [
  0x00, 0x01, 0x02, 0x03, 0x23, 0x2b, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf0, 0xff,
] as const;

/** Whether a mutated packet keeps the length it announces, or announces the one it has. */
const FIXED_IN_EIGHT = 6;

/** What one client sends, packet by packet. */
export type Conversation = readonly Buffer[];

/** Makes conversations that any server must take, and breaks them. One seed is one sequence. */
export class MqttFuzzer {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** A conversation of any version, broken in up to four places, sometimes in none. */
  next(): Conversation {
    const level = this.#pick<Level>([3, 4, 5]);
    const packets = this.#conversation(level);
    for (let count = this.#random.below(5); count > 0; count -= 1) this.#mutate(packets);
    return packets;
  }

  /** The same bytes in pieces that begin and end anywhere. */
  pieces(conversation: Conversation): Buffer[] {
    if (this.#chance(2)) return [...conversation];
    const pieces: Buffer[] = [];
    let rest = Buffer.concat(conversation);
    while (rest.length > 0) {
      const length = 1 + this.#random.below(this.#chance(4) ? rest.length : 40);
      pieces.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return pieces;
  }

  #conversation(level: Level): Buffer[] {
    const write = new PacketWriter(level);
    const packets = [write.connect(this.#connect(level))];
    for (let count = 1 + this.#random.below(12); count > 0; count -= 1) {
      packets.push(...this.#exchange(write, level));
    }
    if (this.#chance(3)) packets.push(this.#disconnect(write, level));
    return packets;
  }

  #connect(level: Level): ConnectFields {
    const list: Property[] = [];
    if (this.#chance(2)) list.push(["sessionExpiry", this.#pick([0, 1, 60, 0xffffffff])]);
    if (this.#chance(3)) list.push(["receiveMaximum", 1 + this.#random.below(4)]);
    if (this.#chance(3)) list.push(["topicAliasMaximum", this.#random.below(8)]);
    if (this.#chance(4)) list.push(["maximumPacketSize", 20 + this.#random.below(100)]);
    if (this.#chance(4)) list.push(["requestProblemInformation", this.#random.below(2)]);
    if (this.#chance(8)) list.push(["authenticationMethod", "none"]);
    if (this.#chance(4)) list.push(["userProperty", ["k", "v"]]);
    const will = { topic: this.#pick(TOPICS), payload: "will", qos: this.#random.below(3) };
    const delay: Property[] = level === 5 ? [["willDelay", this.#random.below(3)]] : [];
    return {
      clientId: this.#pick(CLIENT_IDS),
      clean: this.#chance(2),
      keepAlive: this.#pick([0, 1, 60, 65_535]),
      properties: list,
      ...(this.#chance(3) ? { will: { ...will, properties: delay } } : {}),
      ...(this.#chance(5) ? { user: "u", password: "p" } : {}),
    };
  }

  #exchange(write: PacketWriter, level: Level): Buffer[] {
    const packetId = 1 + this.#random.below(6);
    switch (this.#random.below(9)) {
      case 0:
      case 1:
        return [write.subscribe(packetId, this.#wishes(level), this.#identifier(level))];
      case 2:
        return [write.unsubscribe(packetId, [this.#pick(FILTERS), this.#pick(FILTERS)])];
      case 3:
        // Perhaps of what the server is about to send: its first packet ids are small, too.
        return (["puback", "pubrec", "pubcomp", "pubrel"] as const).map((name) =>
          write.acknowledge(name, packetId, level === 5 && this.#chance(4) ? 0x80 : 0),
        );
      case 4:
        return [PINGREQ];
      case 5:
        return level === 5 && this.#chance(4) ? [write.auth(0x18)] : [PINGREQ, PINGREQ];
      default:
        return this.#publish(write, level, packetId);
    }
  }

  #publish(write: PacketWriter, level: Level, packetId: number): Buffer[] {
    const qos = this.#random.below(3);
    const properties = level === 5 ? this.#published() : [];
    const hasAlias = properties.some(([name]) => name === "topicAlias");
    const topic = hasAlias && this.#chance(2) ? "" : this.#pick(TOPICS);
    const payload = this.#chance(8) ? "x".repeat(this.#random.below(3_000)) : "payload";
    const fields = { qos, packetId, properties, retain: this.#chance(4), dup: false };
    const packet = write.publish(topic, payload, fields);
    const again = write.publish(topic, payload, { ...fields, dup: qos > 0 });
    const release = qos === 2 && this.#chance(2) ? [write.acknowledge("pubrel", packetId)] : [];
    return this.#chance(5) ? [packet, again, ...release] : [packet, ...release];
  }

  #published(): Property[] {
    const list: Property[] = [];
    if (this.#chance(3)) list.push(["topicAlias", 1 + this.#random.below(3)]);
    if (this.#chance(4)) list.push(["payloadFormat", 1]);
    if (this.#chance(4)) list.push(["messageExpiry", this.#random.below(3)]);
    if (this.#chance(4)) list.push(["contentType", "text/plain"]);
    if (this.#chance(4)) list.push(["responseTopic", "f/answer"]);
    if (this.#chance(4)) list.push(["correlationData", this.#random.bytes(4)]);
    if (this.#chance(4)) list.push(["userProperty", ["name", "välue"]]);
    return list;
  }

  #wishes(level: Level): Wish[] {
    const wishes: Wish[] = [];
    for (let count = 1 + this.#random.below(3); count > 0; count -= 1) {
      const filter = this.#pick(FILTERS);
      const qos = this.#random.below(3);
      const noLocal = this.#chance(3) && !filter.startsWith("$share");
      const options = { qos, noLocal, retainHandling: this.#random.below(3) };
      wishes.push([filter, level === 5 ? options : qos]);
    }
    return wishes;
  }

  #identifier(level: Level): Property[] {
    if (level < 5 || this.#chance(2)) return [];
    return [["subscriptionIdentifier", this.#pick([1, 127, 128, 268_435_455])]];
  }

  #disconnect(write: PacketWriter, level: Level): Buffer {
    if (level < 5 || this.#chance(2)) return write.disconnect();
    return write.disconnect(this.#pick([0, 4]), [["sessionExpiry", this.#random.below(3)]]);
  }

  /** Changes one thing about the packets or their order. */
  #mutate(packets: Buffer[]): void {
    const at = this.#random.below(packets.length);
    const packet = packets[at] ?? PINGREQ;
    switch (this.#random.below(8)) {
      case 0:
        packets.splice(at, 1);
        if (packets.length === 0) packets.push(packet);
        return;
      case 1:
        packets.splice(this.#random.below(packets.length), 0, packet);
        return;
      case 2:
        packets.splice(at, 1, this.#random.bytes(1 + this.#random.below(30)));
        return;
      case 3:
        packets.splice(at, 1, packet.subarray(0, this.#random.below(packet.length) + 1));
        return;
      default:
        packets.splice(at, 1, this.#changed(packet));
    }
  }

  /** Changes bytes of one packet; mostly its length then says what it has, so that all of it is read. */
  #changed(packet: Buffer): Buffer {
    if (this.#random.below(8) >= FIXED_IN_EIGHT) return this.#edited(packet);
    let header = 1;
    while (header < packet.length && (packet[header] ?? 0) >= 0x80) header += 1;
    const body = this.#edited(packet.subarray(header + 1));
    const first = this.#chance(6) ? this.#random.below(256) : (packet[0] ?? 0);
    return Buffer.concat([Buffer.of(first), variableInteger(body.length), body]);
  }

  #edited(bytes: Buffer): Buffer {
    const edited = [...bytes];
    for (let count = 1 + this.#random.below(3); count > 0; count -= 1) {
      const at = this.#random.below(edited.length + 1);
      switch (this.#random.below(5)) {
        case 0:
          edited.splice(at, 1 + this.#random.below(4));
          break;
        case 1:
          edited.splice(at, 0, this.#pick(EDGES));
          break;
        case 2:
          edited.splice(at, 0, ...edited.slice(at, at + this.#random.below(20)));
          break;
        case 3:
          edited.splice(at, 1, (edited[at] ?? 0) ^ (1 << this.#random.below(8)));
          break;
        default:
          edited.splice(at, 1, this.#pick(EDGES));
      }
    }
    return Buffer.from(edited);
  }

  #chance(inHowMany: number): boolean {
    return this.#random.below(inHowMany) === 0;
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#random.below(from.length)];
    if (picked === undefined) throw new Error("there is nothing to pick from");
    return picked;
  }
}
