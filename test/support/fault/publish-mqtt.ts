import type { GatewayUrls } from "../contract/client.ts";
import { acknowledgement, publishPacket, TYPE, type WirePacket } from "../mqtt-wire.ts";
import { MqttLink, type MqttRoute } from "./mqtt-link.ts";
import type { ChannelEvents, Offer, PublishChannel } from "./publisher.ts";

const MAX_PACKET_ID = 65_535;

/** A persistent MQTT session that publishes and retries with DUP, as [MQTT-4.4.0-1] asks. */
export class MqttPublishChannel implements PublishChannel {
  readonly name: string;
  readonly qos: 1 | 2;
  readonly promise: "once" | "at-least-once";
  readonly onLost = "retry";
  readonly window = 8;
  readonly isBatch = false;
  readonly #route: MqttRoute;
  readonly #clientId: string;
  /** Numbers by the packet id they use. */
  readonly #numbers = new Map<number, number>();
  /** Packet ids for which PUBREC has come and PUBCOMP has not. */
  readonly #released = new Set<number>();
  #link: MqttLink | null = null;

  constructor(route: MqttRoute, qos: 1 | 2, run: string) {
    this.name = `${route}-qos${qos}`;
    this.qos = qos;
    this.promise = qos === 2 ? "once" : "at-least-once";
    this.#route = route;
    this.#clientId = `pub-${this.name}-${run}`;
  }

  async open(urls: GatewayUrls, events: ChannelEvents): Promise<void> {
    const { link } = await MqttLink.open(urls, this.#route, this.#clientId, {
      onPacket: (packet) => this.#take(packet, events),
      onClosed: events.onClosed,
    });
    this.#link = link;
    for (const packetId of this.#released) link.send(acknowledgement(TYPE.pubrel, packetId));
  }

  send(offers: readonly Offer[], isRetry: boolean): void {
    const packets = offers.map(({ number, topic, payload, retain }) => {
      const packetId = ((number - 1) % MAX_PACKET_ID) + 1;
      this.#numbers.set(packetId, number);
      return publishPacket(topic, payload, { qos: this.qos, retain, dup: isRetry, packetId });
    });
    this.#link?.send(...packets);
  }

  close(): void {
    this.#link?.close();
  }

  #take({ type, body }: WirePacket, events: ChannelEvents): void {
    const packetId = body.length >= 2 ? body.readUInt16BE(0) : 0;
    const number = this.#numbers.get(packetId);
    if (type === TYPE.pubcomp) this.#released.delete(packetId);
    if (type !== TYPE.puback && type !== TYPE.pubrec) return;
    if (type === TYPE.pubrec) {
      this.#released.add(packetId);
      this.#link?.send(acknowledgement(TYPE.pubrel, packetId));
    }
    this.#numbers.delete(packetId);
    if (number !== undefined) events.onAcknowledged(number, null);
  }
}
