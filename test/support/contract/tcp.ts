import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import { checkFrame } from "../documents/frame-check.ts";
import type { Egress, GatewayUrls, Ingress, ReceivedMessage } from "./client.ts";
import { Inbox } from "./inbox.ts";
import { publishCommand, receivedFromJson } from "./json-message.ts";

class Line {
  readonly socket: net.Socket;
  readonly answers = new Inbox<{ type: string }>("tcp answer");
  readonly messages = new Inbox<ReceivedMessage>("tcp reader");

  constructor(urls: GatewayUrls) {
    this.socket = net.connect(urls.tcp);
    this.socket.setNoDelay(true);
    createInterface({ input: this.socket }).on("line", (line) => {
      try {
        this.#receive(line);
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    this.socket.on("close", () => this.#fail(new Error("tcp connection closed")));
  }

  #receive(line: string): void {
    const value = JSON.parse(line) as { type: string };
    checkFrame(value);
    if (value.type === "message") this.messages.push(receivedFromJson(value));
    else if (!["welcome", "live", "position"].includes(value.type)) this.answers.push(value);
  }

  #fail(error: Error): void {
    this.answers.fail(error);
    this.messages.fail(error);
  }

  send(text: string): void {
    this.socket.write(`${text}\n`);
  }

  async expect(expected: string): Promise<void> {
    const answer = await this.answers.next();
    if (answer.type !== expected) {
      throw new Error(`expected ${expected}, got ${JSON.stringify(answer)}`);
    }
  }

  async close(): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, "close");
    this.socket.destroy();
    await closed;
  }
}

async function connect(urls: GatewayUrls): Promise<Line> {
  const line = new Line(urls);
  await once(line.socket, "connect");
  return line;
}

/** A bare socket as a publisher. */
export const tcpIngress: Ingress = {
  name: "tcp",
  transport: "tcp",
  qos: 1,
  carriesProperties: true,
  async open(urls) {
    const line = await connect(urls);
    let id = 0;
    const send = (topic: string, payload: Buffer, options = {}) => {
      id += 1;
      line.send(publishCommand(topic, payload, { id, ...options }));
    };
    return {
      async publish(topic, payload, options = {}) {
        send(topic, payload, options);
        await line.expect("published");
      },
      async publishAll(topic, payloads) {
        for (const payload of payloads) send(topic, payload);
        for (const _ of payloads) await line.expect("published");
      },
      close: () => line.close(),
    };
  },
};

/** A bare socket as a reader. */
export const tcpEgress: Egress = {
  name: "tcp",
  carriesProperties: true,
  async open(urls, filters) {
    const line = await connect(urls);
    let id = 0;
    for (const filter of filters) {
      id += 1;
      line.send(JSON.stringify({ type: "subscribe", id, filter }));
      await line.expect("subscribed");
    }
    return { next: () => line.messages.next(), close: () => line.close() };
  },
};
