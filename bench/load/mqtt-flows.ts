import type { Socket } from "node:net";
import type { Ports } from "../system.ts";
import { acknowledgement, connectMqtt, publishPacket, subscribeMqtt, TOPIC } from "./mqtt-bytes.ts";
import type { Load } from "./throughput.ts";
import { Window } from "./window.ts";

const PAYLOAD = new Uint8Array(128).fill(0x78);

/** Messages a publisher of QoS 1 has on their way: what a busy client library allows itself. */
const IN_FLIGHT = 1_024;

/** Messages the reader may be behind: under what a session's queue holds, so that none overflows. */
const BEHIND = 4_096;

/** Packet ids go round in this many, far more than are on their way. */
const PACKET_IDS = 65_535;

const PUBLISHERS = 100;
const SUBSCRIBERS = 100;
const TOPICS_EACH = 10;
/** Messages one publisher writes at once. */
const BURST = 16;

/** QoS 1 from one publisher to one subscriber, every message acknowledged on both sides. */
export async function mqttAcknowledged(ports: Ports): Promise<Load> {
  const publisher = await connectMqtt(ports.mqtt, "bench-publisher");
  const reader = await connectMqtt(ports.mqtt, "bench-reader");
  await subscribeMqtt(reader, TOPIC, 1);
  let delivered = 0;
  let sent = 0;
  let lastId = 0;
  let open = 0;
  let rest = 0;
  const packet = publishPacket(PAYLOAD, TOPIC, 1);
  const idAt = packet.length - PAYLOAD.length - 2;
  const refill = (): void => {
    const count = Math.min(IN_FLIGHT - open, BEHIND - (sent - delivered));
    // A few at a time would measure system calls.
    if (count < IN_FLIGHT / 4) return;
    const batch = Buffer.allocUnsafe(count * packet.length);
    for (let i = 0; i < count; i += 1) {
      packet.copy(batch, i * packet.length);
      lastId = lastId === PACKET_IDS ? 1 : lastId + 1;
      batch.writeUInt16BE(lastId, i * packet.length + idAt);
    }
    open += count;
    sent += count;
    publisher.write(batch);
  };
  publisher.on("data", (chunk: Buffer) => {
    const bytes = rest + chunk.length;
    rest = bytes % 4;
    open -= (bytes - rest) / 4;
    refill();
  });
  acknowledgeAll(reader, (count) => {
    delivered += count;
    refill();
  });
  refill();
  return { delivered: () => delivered };
}

/** Answers every PUBLISH of QoS 1, all of one size, with its PUBACK. */
function acknowledgeAll(reader: Socket, received: (count: number) => void): void {
  const { length } = publishPacket(PAYLOAD, TOPIC, 1);
  const idAt = length - PAYLOAD.length - 2;
  let pending: Buffer = Buffer.alloc(0);
  reader.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const count = Math.floor(pending.length / length);
    if (count === 0) return;
    const answers = Buffer.allocUnsafe(count * 4);
    for (let i = 0; i < count; i += 1) {
      answers.writeUInt32BE(acknowledgement(pending.readUInt16BE(i * length + idAt)), i * 4);
    }
    pending = pending.subarray(count * length);
    reader.write(answers);
    received(count);
  });
}

/** 100 publishers, 100 subscribers by wildcard, 1,000 topics; each message goes to one subscriber. */
export async function mqttWildcards(ports: Ports): Promise<Load> {
  const topics: string[] = [];
  for (let i = 0; i < SUBSCRIBERS; i += 1) {
    for (let j = 0; j < TOPICS_EACH; j += 1) topics.push(`bench/${padded(i)}/${padded(j)}/value`);
  }
  const packets = topics.map((topic) => publishPacket(PAYLOAD, topic));
  const packetBytes = packets[0]?.length ?? 1;
  const publishers: Socket[] = [];
  for (let i = 0; i < PUBLISHERS; i += 1) {
    publishers.push(await connectMqtt(ports.mqtt, `bench-publisher-${i}`));
  }
  const bursts = burstsOf(packets);
  let next = 0;
  const window = new Window(1, (room) => {
    let sent = 0;
    while (sent + BURST <= room) {
      const publisher = publishers[next % PUBLISHERS];
      publisher?.write(bursts[next % bursts.length] ?? "");
      next += 1;
      sent += BURST;
    }
    return sent;
  });
  for (let i = 0; i < SUBSCRIBERS; i += 1) {
    const socket = await connectMqtt(ports.mqtt, `bench-reader-${i}`);
    await subscribeMqtt(socket, `bench/${padded(i)}/+/#`);
    let rest = 0;
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest + chunk.length;
      rest = bytes % packetBytes;
      window.receive(0, (bytes - rest) / packetBytes);
    });
  }
  window.advance();
  return { delivered: () => window.delivered };
}

/** Runs of messages on topics that lie far apart, each topic equally often. */
function burstsOf(packets: readonly Buffer[]): Buffer[] {
  const bursts: Buffer[] = [];
  for (let i = 0; i < packets.length; i += 1) {
    const burst: Buffer[] = [];
    for (let j = 0; j < BURST; j += 1) {
      const packet = packets[(i * BURST + j * 37) % packets.length];
      if (packet !== undefined) burst.push(packet);
    }
    bursts.push(Buffer.concat(burst));
  }
  return bursts;
}

function padded(number: number): string {
  return String(number).padStart(3, "0");
}
