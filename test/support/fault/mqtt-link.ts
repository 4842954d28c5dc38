import { once } from "node:events";
import net from "node:net";
import { WebSocket } from "ws";
import type { GatewayUrls } from "../contract/client.ts";
import { connectPacket, TYPE, type WirePacket } from "../mqtt-wire.ts";

/** Bytes to and from an MQTT listener. */
interface ByteStream {
  readonly send: (bytes: Buffer) => void;
  readonly end: () => void;
}

interface StreamEvents {
  readonly onBytes: (bytes: Buffer) => void;
  readonly onClosed: () => void;
}

/** What an MQTT client of the harness hears. */
export interface MqttLinkEvents {
  readonly onPacket: (packet: WirePacket) => void;
  readonly onClosed: () => void;
}

/** How MQTT reaches the gateway. */
export type MqttRoute = "mqtt" | "mqtt-ws";

/** A persistent session's connection: packets made by hand, so that the harness decides on retries. */
export class MqttLink {
  readonly #events: MqttLinkEvents;
  #pending: Buffer = Buffer.alloc(0);
  #stream: ByteStream | null = null;
  #onConnack: ((packet: WirePacket | null) => void) | null = null;

  private constructor(events: MqttLinkEvents) {
    this.#events = events;
  }

  /** Connects with clean session off; says whether the session was there. Rejects when refused. */
  static async open(
    urls: GatewayUrls,
    route: MqttRoute,
    clientId: string,
    events: MqttLinkEvents,
  ): Promise<{ link: MqttLink; sessionPresent: boolean }> {
    const link = new MqttLink(events);
    const answer = new Promise<WirePacket | null>((resolve) => {
      link.#onConnack = resolve;
    });
    const streamEvents = {
      onBytes: (bytes: Buffer) => link.#take(bytes),
      onClosed: () => link.#closed(),
    };
    const openStream = route === "mqtt" ? openTcp : openWebSocket;
    link.#stream = await openStream(urls, streamEvents);
    link.#stream.send(connectPacket({ clientId, clean: false }));
    const connack = await answer;
    if (connack?.type !== TYPE.connack || connack.body[1] !== 0) {
      link.close();
      throw new Error(`${clientId} was not let in`);
    }
    return { link, sessionPresent: connack.body[0] === 1 };
  }

  send(...packets: Uint8Array[]): void {
    this.#stream?.send(Buffer.concat(packets));
  }

  close(): void {
    this.#stream?.end();
  }

  #closed(): void {
    const waiting = this.#onConnack;
    this.#onConnack = null;
    if (waiting === null) this.#events.onClosed();
    else waiting(null);
  }

  #handle(packet: WirePacket): void {
    const waiting = this.#onConnack;
    this.#onConnack = null;
    if (waiting === null) this.#events.onPacket(packet);
    else waiting(packet);
  }

  #take(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    for (let packet = this.#cut(); packet !== null; packet = this.#cut()) this.#handle(packet);
  }

  #cut(): WirePacket | null {
    let length = 0;
    let at = 1;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#pending[at];
      if (byte === undefined) return null;
      length += (byte & 0x7f) * factor;
      at += 1;
      if (byte < 0x80) break;
    }
    if (this.#pending.length < at + length) return null;
    const header = this.#pending[0] ?? 0;
    const body = this.#pending.subarray(at, at + length);
    this.#pending = this.#pending.subarray(at + length);
    return { type: header >> 4, flags: header & 15, body };
  }
}

async function openTcp(urls: GatewayUrls, events: StreamEvents): Promise<ByteStream> {
  const { hostname: host, port } = new URL(urls.mqtt);
  const socket = net.connect({ host, port: Number(port), noDelay: true });
  await once(socket, "connect");
  socket.on("data", events.onBytes);
  // "close" follows; a killed gateway resets its connections.
  socket.on("error", () => socket.destroy());
  socket.on("close", events.onClosed);
  return { send: (bytes) => void socket.write(bytes), end: () => socket.destroy() };
}

async function openWebSocket(urls: GatewayUrls, events: StreamEvents): Promise<ByteStream> {
  const url = `${urls.http.replace("http", "ws")}/mqtt`;
  const socket = new WebSocket(url, ["mqtt"], { perMessageDeflate: false });
  await once(socket, "open");
  socket.on("message", (bytes: Buffer) => events.onBytes(bytes));
  socket.on("error", () => socket.terminate());
  socket.on("close", events.onClosed);
  return {
    send: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
    },
    end: () => socket.terminate(),
  };
}
