import type { Socket } from "node:net";
import type { Ports } from "../system.ts";
import { open } from "./connection.ts";
import { connectMqtt, publishPacket, TOPIC } from "./mqtt-bytes.ts";
import { type Load, PAYLOAD_BYTES } from "./throughput.ts";

const CURSOR = /"cursor":"([^"]+)","upToDate"/;
const CURSOR_HEADER = /tributary-cursor: (\S+)/i;

/**
 * One MQTT publisher, `readers` held polls: a message is published when every poll has had the one
 * before, so each poll is answered once a message and none can fall behind.
 */
export async function longPollFanOut(ports: Ports, readers: number): Promise<Load> {
  const publisher = await connectMqtt(ports.mqtt, "bench-publisher");
  const packet = publishPacket(new Uint8Array(PAYLOAD_BYTES).fill(0x78));
  let delivered = 0;
  let outstanding = 0;
  const publish = (): void => {
    outstanding = readers;
    publisher.write(packet);
  };
  const sockets: Socket[] = [];
  for (let reader = 0; reader < readers; reader += 1) {
    const socket = await open(ports.http);
    await new Promise<void>((resolve) => {
      let text = "";
      let isFirst = true;
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        const cursor = cursorOf(text);
        if (cursor === null) return;
        text = "";
        socket.write(request(cursor, ""));
        if (isFirst) {
          isFirst = false;
          resolve();
          return;
        }
        delivered += 1;
        outstanding -= 1;
        if (outstanding === 0) publish();
      });
      socket.write(request("now", "&timeout=0"));
    });
    sockets.push(socket);
  }
  publish();
  return { delivered: () => delivered };
}

function request(cursor: string, more: string): string {
  const path = `/v1/poll?filter=${encodeURIComponent(TOPIC)}&cursor=${cursor}${more}`;
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
}

/** Where the next poll begins, once the answer is whole; `null` before. */
function cursorOf(text: string): string | null {
  const headersEnd = text.indexOf("\r\n\r\n");
  if (headersEnd < 0) return null;
  if (text.startsWith("HTTP/1.1 204")) return CURSOR_HEADER.exec(text)?.[1] ?? null;
  if (!text.startsWith("HTTP/1.1 200")) throw new Error(`a poll was refused: ${text}`);
  // The cursor stands at the end of the body, so that its presence shows the body to be whole.
  return CURSOR.exec(text.slice(-120))?.[1] ?? null;
}
