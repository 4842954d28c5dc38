import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import type { GatewayUrls } from "./contract/client.ts";

/**
 * Readers made of bytes by hand, so that a test decides when they read: no client library drains
 * the socket behind its back.
 */
export interface RawReader {
  readonly socket: net.Socket;
  /** Everything read so far. */
  readonly received: () => Buffer;
}

export interface RawReaderKind {
  readonly name: string;
  /** The label under which the gateway counts what this reader does not get. */
  readonly transport: string;
  /** Opens a reader whose subscription to `topic` is in force. */
  open(urls: GatewayUrls, topic: string): Promise<RawReader>;
}

async function connect(host: string, port: number, hello: Buffer): Promise<RawReader> {
  const socket = net.connect({ host, port });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // The gateway ends slow readers; the test looks at what arrived before.
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  socket.write(hello);
  return { socket, received: () => Buffer.concat(chunks) };
}

async function until(reader: RawReader, isThere: (bytes: Buffer) => boolean): Promise<void> {
  while (!isThere(reader.received())) {
    if (reader.socket.destroyed) throw new Error("the connection ended before it was subscribed");
    await once(reader.socket, "data");
  }
}

function httpAddress(urls: GatewayUrls): { host: string; port: number } {
  const url = new URL(urls.http);
  return { host: url.hostname, port: Number(url.port) };
}

function connectPacket(): Buffer {
  const id = Buffer.from(`raw-${randomBytes(4).toString("hex")}`);
  const body = Buffer.concat([
    Buffer.from([0, 4, ...Buffer.from("MQTT"), 4, 2, 0, 0, 0, id.length]),
    id,
  ]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

function subscribePacket(topic: string, qos: number): Buffer {
  const filter = Buffer.from(topic);
  const body = Buffer.concat([Buffer.from([0, 1, 0, filter.length]), filter, Buffer.from([qos])]);
  return Buffer.concat([Buffer.from([0x82, body.length]), body]);
}

/** RFC 6455 §5.2: FIN, the opcode, a mask of zeros, so that the payload stays readable. */
export function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const length =
    payload.length < 126
      ? Buffer.from([0x80 | payload.length])
      : Buffer.from([0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, Buffer.alloc(4), payload]);
}

/** The request of a WebSocket handshake. */
export function upgradeRequest(path: string, subprotocol: string): Buffer {
  return Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      "Host: gateway",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      `Sec-WebSocket-Protocol: ${subprotocol}`,
      "",
      "",
    ].join("\r\n"),
  );
}

const SUBACK = Buffer.from([0x90, 3, 0, 1]);

export const RAW_READERS: readonly RawReaderKind[] = [
  {
    name: "mqtt QoS 0",
    transport: "mqtt",
    async open(urls, topic) {
      const { hostname, port } = new URL(urls.mqtt);
      const hello = Buffer.concat([connectPacket(), subscribePacket(topic, 0)]);
      const reader = await connect(hostname, Number(port), hello);
      await until(reader, (bytes) => bytes.includes(SUBACK));
      return reader;
    },
  },
  {
    name: "mqtt QoS 1",
    transport: "mqtt",
    async open(urls, topic) {
      const { hostname, port } = new URL(urls.mqtt);
      const hello = Buffer.concat([connectPacket(), subscribePacket(topic, 1)]);
      const reader = await connect(hostname, Number(port), hello);
      await until(reader, (bytes) => bytes.includes(SUBACK));
      return reader;
    },
  },
  {
    name: "mqtt over websocket",
    transport: "mqtt-ws",
    async open(urls, topic) {
      const { host, port } = httpAddress(urls);
      const reader = await connect(host, port, upgradeRequest("/mqtt", "mqtt"));
      await until(reader, (bytes) => bytes.includes("\r\n\r\n"));
      const packets = Buffer.concat([connectPacket(), subscribePacket(topic, 0)]);
      reader.socket.write(maskedFrame(2, packets));
      await until(reader, (bytes) => bytes.includes(SUBACK));
      return reader;
    },
  },
  {
    name: "websocket",
    transport: "websocket",
    async open(urls, topic) {
      const { host, port } = httpAddress(urls);
      const reader = await connect(host, port, upgradeRequest("/ws", "tributary.v1.json"));
      await until(reader, (bytes) => bytes.includes("\r\n\r\n"));
      const command = JSON.stringify({ type: "subscribe", id: 1, filter: topic });
      reader.socket.write(maskedFrame(1, Buffer.from(command)));
      await until(reader, (bytes) => bytes.includes('"subscribed"'));
      return reader;
    },
  },
  {
    name: "tcp",
    transport: "tcp",
    async open(urls, topic) {
      const command = JSON.stringify({ type: "subscribe", id: 1, filter: topic });
      const { host, port } = urls.tcp;
      const reader = await connect(host, port, Buffer.from(`${command}\n`));
      await until(reader, (bytes) => bytes.includes('"subscribed"'));
      return reader;
    },
  },
  {
    name: "sse",
    transport: "sse",
    async open(urls, topic) {
      const { host, port } = httpAddress(urls);
      const path = `/v1/stream?filter=${encodeURIComponent(topic)}`;
      const hello = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: gateway\r\n\r\n`);
      const reader = await connect(host, port, hello);
      await until(reader, (bytes) => bytes.includes("\r\n\r\n"));
      return reader;
    },
  },
];
