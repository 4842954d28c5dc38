import type { GatewayUrls } from "../contract/client.ts";
import {
  acknowledgement,
  parsePublish,
  subscribePacket,
  TYPE,
  type WirePacket,
} from "../mqtt-wire.ts";
import { MqttLink } from "./mqtt-link.ts";
import { FaultReader } from "./reader.ts";

const SUBSCRIBE_ID = 60_000;

/** A persistent session that keeps its side of QoS 1 and 2 over connections, as a client must. */
export class MqttReader extends FaultReader {
  readonly #clientId: string;
  readonly #filter: string;
  /** Packet ids of QoS 2 whose message it has and whose PUBREL it has not: delivered once. */
  readonly #received = new Set<number>();
  #link: MqttLink | null = null;
  #onSubscribed: () => void = () => undefined;

  constructor(
    name: string,
    kind: "session" | "group",
    qos: 1 | 2,
    clientId: string,
    filter: string,
  ) {
    super({ name, kind, qos, events: [] });
    this.#clientId = clientId;
    this.#filter = filter;
  }

  protected async open(urls: GatewayUrls, onClosed: () => void): Promise<void> {
    // What waits for the session follows CONNACK in the same bytes.
    const early: WirePacket[] = [];
    let takePacket = (packet: WirePacket): void => void early.push(packet);
    const { link, sessionPresent } = await MqttLink.open(urls, "mqtt", this.#clientId, {
      onPacket: (packet) => takePacket(packet),
      onClosed,
    });
    this.#link = link;
    this.note({ is: "connected", sessionPresent });
    takePacket = (packet) => this.#take(packet);
    for (const packet of early) this.#take(packet);
    if (!sessionPresent) await this.#subscribe(link, onClosed);
  }

  close(): void {
    this.#link?.close();
  }

  async #subscribe(link: MqttLink, onClosed: () => void): Promise<void> {
    this.#received.clear();
    const subscribed = new Promise<void>((resolve) => {
      this.#onSubscribed = resolve;
    });
    link.send(subscribePacket(SUBSCRIBE_ID, [this.#filter, this.record.qos]));
    await subscribed;
    this.#onSubscribed = onClosed;
  }

  #take(packet: WirePacket): void {
    const link = this.#link;
    if (link === null) return;
    if (packet.type === TYPE.suback) this.#onSubscribed();
    if (packet.type === TYPE.pubrel) {
      const packetId = packet.body.readUInt16BE(0);
      this.#received.delete(packetId);
      link.send(acknowledgement(TYPE.pubcomp, packetId));
    }
    if (packet.type === TYPE.publish) this.#takePublish(link, packet);
  }

  #takePublish(link: MqttLink, packet: WirePacket): void {
    const { topic, payload, qos, packetId } = parsePublish(packet);
    const isRepeated = qos === 2 && this.#received.has(packetId);
    if (!isRepeated) {
      this.note({ is: "message", topic, payload, offset: null, acceptedAt: null });
    }
    if (qos === 2) this.#received.add(packetId);
    if (qos > 0) link.send(acknowledgement(qos === 2 ? TYPE.pubrec : TYPE.puback, packetId));
  }
}
