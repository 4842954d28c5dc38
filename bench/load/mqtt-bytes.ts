import type { Socket } from "node:net";
import { nextChunk, open } from "./connection.ts";

/** One topic for all: what is compared is the way of a message, not the matching. */
export const TOPIC = "bench/topic";

/** A PUBLISH (MQTT 3.1.1 §3.3) with this payload; of QoS 1 with packet id 0, to be filled in. */
export function publishPacket(payload: Uint8Array, topic = TOPIC, qos: 0 | 1 = 0): Buffer {
  const id = Buffer.alloc(qos === 1 ? 2 : 0);
  return packet(0x30 | (qos << 1), Buffer.concat([text(topic), id, payload]));
}

/** PUBACK as a number of four bytes. */
export function acknowledgement(packetId: number): number {
  return 0x4002_0000 | packetId;
}

/** Bytes of {@link publishPacket} before its payload. */
export function publishOverhead(payloadBytes: number): number {
  return publishPacket(new Uint8Array(payloadBytes)).length - payloadBytes;
}

/** Connects and waits for CONNACK. */
export async function connectMqtt(port: number, clientId: string): Promise<Socket> {
  const socket = await open(port);
  const header = Buffer.concat([text("MQTT"), Buffer.from([4, 0x02, 0, 0]), text(clientId)]);
  socket.write(packet(0x10, header));
  const answer = await nextChunk(socket);
  if (answer[0] !== 0x20 || answer[3] !== 0) throw new Error("CONNECT was refused");
  return socket;
}

/** Subscribes and waits for SUBACK. */
export async function subscribeMqtt(socket: Socket, filter = TOPIC, qos: 0 | 1 = 0): Promise<void> {
  socket.write(
    packet(0x82, Buffer.concat([Buffer.from([0, 1]), text(filter), Buffer.from([qos])])),
  );
  const answer = await nextChunk(socket);
  if (answer[0] !== 0x90 || answer[4] !== qos) throw new Error("SUBSCRIBE was refused");
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    length.push(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}
