import { once } from "node:events";
import WebSocket from "ws";
import { checkBinaryHeader, checkFrame } from "../documents/frame-check.ts";
import type { Egress, GatewayUrls, Ingress, ReceivedMessage } from "./client.ts";
import { Inbox } from "./inbox.ts";
import { publishCommand, receivedFromJson } from "./json-message.ts";

type Form = "json" | "binary";

interface Frame {
  readonly type: string;
  readonly id?: number | string;
  readonly value: unknown;
  readonly body?: Buffer;
}

class Socket {
  readonly answers = new Inbox<Frame>("websocket answer");
  readonly messages = new Inbox<ReceivedMessage>("websocket reader");
  readonly socket: WebSocket;
  readonly form: Form;
  #id = 0;

  constructor(urls: GatewayUrls, form: Form) {
    this.form = form;
    const url = `${urls.http.replace("http", "ws")}/ws`;
    this.socket = new WebSocket(url, [`tributary.v1.${form}`]);
    this.socket.on("message", (data: Buffer, isBinary) => {
      try {
        this.#receive(data, isBinary);
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    this.socket.on("close", (code, reason) => {
      this.#fail(new Error(`websocket closed: ${code} ${String(reason)}`));
    });
  }

  #fail(error: Error): void {
    this.answers.fail(error);
    this.messages.fail(error);
  }

  nextId(): number {
    this.#id += 1;
    return this.#id;
  }

  async command(text: string, expected: string): Promise<void> {
    this.socket.send(text);
    await this.expect(expected);
  }

  async expect(expected: string): Promise<void> {
    const frame = await this.answers.next();
    if (frame.type === expected) return;
    throw new Error(`expected ${expected}, got ${JSON.stringify(frame.value)}`);
  }

  publish(text: string, payload: Buffer): void {
    if (this.form === "json") {
      this.socket.send(text);
      return;
    }
    const header = Buffer.from(text);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(header.length);
    this.socket.send(Buffer.concat([length, header, payload]));
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const headerEnd = isBinary ? 2 + data.readUInt16BE(0) : data.length;
    const text = data.toString("utf8", isBinary ? 2 : 0, headerEnd);
    const value = JSON.parse(text) as { type?: string; id?: number };
    if (isBinary) checkBinaryHeader(value);
    else checkFrame(value);
    const type = value.type ?? (isBinary ? "message" : "");
    const body = isBinary ? data.subarray(headerEnd) : undefined;
    if (type === "message") this.messages.push(receivedFromJson(value, body));
    else if (type !== "welcome" && type !== "live" && type !== "position") {
      this.answers.push({ type, value });
    }
  }
}

async function connect(urls: GatewayUrls, form: Form): Promise<Socket> {
  const socket = new Socket(urls, form);
  await once(socket.socket, "open");
  return socket;
}

async function close(socket: Socket): Promise<void> {
  if (socket.socket.readyState === WebSocket.CLOSED) return;
  const closed = once(socket.socket, "close");
  socket.socket.close(1000);
  await closed;
}

/** npm `ws` as a publisher. */
export function websocketIngress(form: Form): Ingress {
  return {
    name: `websocket ${form}`,
    transport: "websocket",
    qos: 1,
    carriesProperties: true,
    async open(urls) {
      const socket = await connect(urls, form);
      const send = (topic: string, payload: Buffer, options = {}) => {
        const carried = form === "json" ? payload : null;
        socket.publish(
          publishCommand(topic, carried, { id: socket.nextId(), ...options }),
          payload,
        );
      };
      return {
        async publish(topic, payload, options = {}) {
          send(topic, payload, options);
          await socket.expect("published");
        },
        async publishAll(topic, payloads) {
          for (const payload of payloads) send(topic, payload);
          for (const _ of payloads) await socket.expect("published");
        },
        close: () => close(socket),
      };
    },
  };
}

/** npm `ws` as a reader. */
export function websocketEgress(form: Form): Egress {
  return {
    name: `websocket ${form}`,
    carriesProperties: true,
    async open(urls, filters) {
      const socket = await connect(urls, form);
      for (const filter of filters) {
        const command = { type: "subscribe", id: socket.nextId(), filter };
        await socket.command(JSON.stringify(command), "subscribed");
      }
      return { next: () => socket.messages.next(), close: () => close(socket) };
    },
  };
}
