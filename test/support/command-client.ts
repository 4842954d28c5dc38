import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import WebSocket, { type ClientOptions } from "ws";
import type { CommandKit } from "./command-kit.ts";
import { Inbox } from "./contract/inbox.ts";
import { checkBinaryHeader, checkFrame } from "./documents/frame-check.ts";

/** A frame as JSON gives it; `body` is the payload of a binary one. */
export type Frame = { readonly type: string; readonly [field: string]: unknown } & {
  readonly body?: Buffer;
};

/** How a connection ended. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** Speaks the commands and keeps every frame in the order it came. */
export abstract class CommandClient {
  readonly frames = new Inbox<Frame>("command client");
  #id = 0;

  abstract send(text: string): void;
  abstract close(): Promise<void>;

  /** Keeps a frame; one the AsyncAPI document does not know fails whoever waits for the next. */
  protected take(read: () => Frame): void {
    try {
      this.frames.push(read());
    } catch (error) {
      this.frames.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  next(): Promise<Frame> {
    return this.frames.next();
  }

  /** The next frame, which must be of this type. */
  async expect(type: string): Promise<Frame> {
    const frame = await this.next();
    if (frame.type === type) return frame;
    throw new Error(`expected ${type}, got ${JSON.stringify(frame)}`);
  }

  command(fields: Readonly<Record<string, unknown>>): number {
    this.#id += 1;
    this.send(JSON.stringify({ id: this.#id, ...fields }));
    return this.#id;
  }

  /** Subscribes to what has nothing retained and nothing to recover, and waits until it is live. */
  async subscribe(filter: string, options: Readonly<Record<string, unknown>> = {}): Promise<Frame> {
    this.command({ type: "subscribe", filter, ...options });
    const subscribed = await this.expect("subscribed");
    await this.expect("live");
    return subscribed;
  }

  /** Everything up to the answer of a ping sent now: what is not here did not come. */
  async untilPong(): Promise<Frame[]> {
    const id = this.command({ type: "ping" });
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame.type === "pong" && frame.id === id) return frames;
      frames.push(frame);
    }
  }
}

export class WebSocketClient extends CommandClient {
  readonly socket: WebSocket;
  readonly closing: Promise<Closing>;

  constructor(url: string, subprotocols: string[] = [], options: ClientOptions = {}) {
    super();
    this.socket = new WebSocket(url, subprotocols, { perMessageDeflate: false, ...options });
    this.socket.on("message", (data: Buffer, isBinary) => this.take(() => parse(data, isBinary)));
    this.socket.on("error", () => undefined);
    this.closing = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        this.frames.fail(new Error(`closed: ${code} ${String(reason)}`));
        resolve({ code, reason: String(reason) });
      });
    });
  }

  static async open(
    kit: CommandKit,
    subprotocols: string[] = [],
    options: ClientOptions = {},
  ): Promise<WebSocketClient> {
    const client = new WebSocketClient(kit.wsUrl, subprotocols, options);
    await client.expect("welcome");
    return client;
  }

  send(text: string): void {
    this.socket.send(text);
  }

  async close(): Promise<void> {
    this.socket.close(1000);
    await this.closing;
  }
}

export class LineClient extends CommandClient {
  readonly socket: net.Socket;
  readonly closed: Promise<unknown>;

  constructor(port: number) {
    super();
    this.socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.closed = once(this.socket, "close");
    this.socket.on("error", () => undefined);
    createInterface({ input: this.socket }).on("line", (line) => {
      // A connection that is cut leaves half a line, which is no frame.
      if (line.endsWith("}")) this.take(() => parse(Buffer.from(line), false));
    });
    this.socket.on("end", () => this.socket.end());
    this.socket.on("close", () => this.frames.fail(new Error("closed")));
  }

  static async open(kit: CommandKit): Promise<LineClient> {
    const client = new LineClient(kit.tcpPort);
    await client.expect("welcome");
    return client;
  }

  send(text: string): void {
    this.socket.write(`${text}\n`);
  }

  async close(): Promise<void> {
    this.socket.end();
    await this.closed;
  }
}

function parse(data: Buffer, isBinary: boolean): Frame {
  if (!isBinary) {
    const frame = JSON.parse(data.toString());
    checkFrame(frame);
    return frame;
  }
  const end = 2 + data.readUInt16BE(0);
  const header = JSON.parse(data.toString("utf8", 2, end));
  checkBinaryHeader(header);
  return { ...header, body: data.subarray(end) };
}

/** Both transports that speak the commands; what holds for one must hold for the other. */
export const COMMAND_CLIENTS = [
  { name: "websocket", open: (kit: CommandKit) => WebSocketClient.open(kit) },
  { name: "tcp", open: (kit: CommandKit) => LineClient.open(kit) },
] as const;
