import type { Socket } from "node:net";
import type { Ports } from "../system.ts";
import { connectMqtt, publishPacket } from "./mqtt-bytes.ts";
import { type Load, PAYLOAD_BYTES } from "./throughput.ts";

/** Connections the messages in flight are spread over, as devices would. */
const PUBLISHERS = 8;
/** PUBACK (MQTT 3.1.1 §3.4): type, length, packet id. */
const PUBACK = 0x40;
const PUBACK_BYTES = 4;

/**
 * MQTT QoS 1 from eight publishers, each with a topic of its own, and no subscriber: every PUBACK
 * makes room for the next message, so that `inFlight` messages are unacknowledged at any time.
 */
export async function mqttPublishers(ports: Ports, inFlight: number): Promise<Load> {
  const publishers: Publisher[] = [];
  for (let i = 0; i < PUBLISHERS; i += 1) {
    const socket = await connectMqtt(ports.mqtt, `bench-publisher-${i}`);
    publishers.push(new Publisher(socket, `bench/topic/${i}`, inFlight / PUBLISHERS));
  }
  for (const publisher of publishers) publisher.start();
  const delivered = (): number =>
    publishers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  return { delivered };
}

class Publisher {
  acknowledged = 0;
  readonly #socket: Socket;
  readonly #packet: Buffer;
  readonly #idAt: number;
  readonly #window: number;
  #sent = 0;
  #restBytes = 0;

  constructor(socket: Socket, topic: string, window: number) {
    const packet = publishPacket(new Uint8Array(PAYLOAD_BYTES).fill(0x78), topic, 1);
    this.#socket = socket;
    this.#packet = packet;
    this.#idAt = packet.length - PAYLOAD_BYTES - 2;
    this.#window = window;
  }

  start(): void {
    this.#socket.on("data", (chunk: Buffer) => {
      // The first byte of a packet stands where the chunk before has left off.
      const first = (PUBACK_BYTES - this.#restBytes) % PUBACK_BYTES;
      if (first < chunk.length && chunk[first] !== PUBACK) throw new Error("no PUBACK");
      const bytes = this.#restBytes + chunk.length;
      this.#restBytes = bytes % PUBACK_BYTES;
      this.acknowledged += (bytes - this.#restBytes) / PUBACK_BYTES;
      this.#fill();
    });
    this.#fill();
  }

  /** One write of all there is room for. Identifiers run from 1 to 65,535, in the order of the PUBACKs. */
  #fill(): void {
    const count = this.#window - (this.#sent - this.acknowledged);
    if (count <= 0) return;
    const size = this.#packet.length;
    const batch = Buffer.allocUnsafe(count * size);
    for (let i = 0; i < count; i += 1) {
      batch.set(this.#packet, i * size);
      batch.writeUInt16BE((this.#sent % 65_535) + 1, i * size + this.#idAt);
      this.#sent += 1;
    }
    this.#socket.write(batch);
  }
}
