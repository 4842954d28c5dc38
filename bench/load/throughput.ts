import type { Socket } from "node:net";
import type { Ports } from "../system.ts";
import { HttpPublisher } from "./http-publisher.ts";
import { connectMqtt, publishPacket, subscribeMqtt } from "./mqtt-bytes.ts";
import { openWebSocketReaders } from "./websocket-readers.ts";
import { Window } from "./window.ts";

export const PAYLOAD_BYTES = 128;
/** Messages of one write: a publisher that is busy gives the kernel many at once. */
const BATCH = 64;
const HTTP_CONNECTIONS = 64;

/** Something that runs flat out and can be asked how far it is. */
export interface Load {
  readonly delivered: () => number;
  /** What is measured runs in this process: a store, to be stopped before the process ends. */
  readonly store?: { stop(): Promise<void> };
}

/** MQTT QoS 0 from one publisher to `readers` subscribers. */
export async function mqttFanOut(ports: Ports, readers: number): Promise<Load> {
  const packetBytes = publishPacket(new Uint8Array(PAYLOAD_BYTES)).length;
  const publisher = await connectMqtt(ports.mqtt, "bench-publisher");
  const window = new Window(readers, mqttRefill(publisher));
  for (let reader = 0; reader < readers; reader += 1) {
    const socket = await connectMqtt(ports.mqtt, `bench-reader-${reader}`);
    await subscribeMqtt(socket);
    // Every delivery has the size of its publish, so bytes count messages.
    let rest = 0;
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest + chunk.length;
      rest = bytes % packetBytes;
      window.receive(reader, (bytes - rest) / packetBytes);
    });
  }
  window.advance();
  return { delivered: () => window.delivered };
}

/** MQTT QoS 0 or HTTP POST in, WebSocket JSON out to `readers` connections. */
export async function toWebSocket(
  ports: Ports,
  ingress: "mqtt" | "http",
  readers: number,
): Promise<Load> {
  const refill =
    ingress === "mqtt"
      ? mqttRefill(await connectMqtt(ports.mqtt, "bench-publisher"))
      : await httpRefill(ports.http);
  const window = new Window(readers, refill);
  await openWebSocketReaders(ports.http, readers, (reader, count) => window.receive(reader, count));
  window.advance();
  return { delivered: () => window.delivered };
}

/** POSTs answered, each connection sending the next when it has its answer. */
export async function httpPosts(ports: Ports): Promise<Load> {
  let answered = 0;
  const publisher = await HttpPublisher.open(ports.http, HTTP_CONNECTIONS, PAYLOAD_BYTES, () => {
    answered += 1;
    publisher.send(1);
  });
  publisher.send(HTTP_CONNECTIONS);
  return { delivered: () => answered };
}

function mqttRefill(publisher: Socket): (room: number) => number {
  const packet = publishPacket(new Uint8Array(PAYLOAD_BYTES).fill(0x78));
  const batch = Buffer.concat(Array.from({ length: BATCH }, () => packet));
  return (room) => {
    let sent = 0;
    while (sent + BATCH <= room && !publisher.writableNeedDrain) {
      publisher.write(batch);
      sent += BATCH;
    }
    return sent;
  };
}

async function httpRefill(port: number): Promise<(room: number) => number> {
  const publisher = await HttpPublisher.open(
    port,
    HTTP_CONNECTIONS,
    PAYLOAD_BYTES,
    () => undefined,
  );
  return (room) => publisher.send(room);
}
