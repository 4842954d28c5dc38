import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { createParser } from "eventsource-parser";
import { WebSocket } from "ws";
import { parseCursor } from "../../../src/bus/cursor.ts";
import type { GatewayUrls } from "../contract/client.ts";
import { type HeardFrame, onLine, readFrame } from "./frame.ts";
import { FaultReader } from "./reader.ts";

/** Knows its position as the cursor of the last thing it saw, and nothing else. */
export abstract class CursorReader extends FaultReader {
  readonly filter: string;
  cursor: string;

  constructor(name: string, filter: string, cursor: string) {
    super({ name, kind: "cursor", qos: 1, events: [] });
    this.filter = filter;
    this.cursor = cursor;
  }

  protected connected(): void {
    this.note({ is: "connected", sessionPresent: null });
  }

  protected take(frame: HeardFrame | null): void {
    if (frame === null) return;
    if (frame.type === "gap") this.#takeGap(frame);
    if (frame.type === "position") this.cursor = frame.cursor ?? this.cursor;
    const { topic, payload, cursor } = frame;
    if (topic === undefined || payload === undefined || frame.retained === true) return;
    this.cursor = cursor ?? this.cursor;
    const offset = cursor === undefined ? null : parseCursor(cursor).offset;
    this.note({ is: "message", topic, payload, offset, acceptedAt: frame.acceptedAt ?? null });
  }

  #takeGap({ earliest, reason }: HeardFrame): void {
    const from = parseCursor(this.cursor).offset;
    this.cursor = earliest ?? this.cursor;
    const first = parseCursor(this.cursor).offset + 1;
    this.note({ is: "gap", from, earliest: first, reason: reason ?? "" });
  }
}

export class WebSocketReader extends CursorReader {
  #socket: WebSocket | null = null;

  protected async open(urls: GatewayUrls, onClosed: () => void): Promise<void> {
    const url = `${urls.http.replace("http", "ws")}/ws`;
    const socket = new WebSocket(url, ["tributary.v1.json"], { perMessageDeflate: false });
    this.#socket = socket;
    socket.on("error", () => socket.terminate());
    await once(socket, "open");
    this.connected();
    socket.on("message", (data: Buffer) => this.take(readFrame(data.toString())));
    socket.on("close", onClosed);
    const { filter, cursor } = this;
    socket.send(JSON.stringify({ type: "subscribe", id: 1, filter, cursor }));
  }

  close(): void {
    this.#socket?.terminate();
  }
}

export class TcpReader extends CursorReader {
  #socket: net.Socket | null = null;

  protected async open(urls: GatewayUrls, onClosed: () => void): Promise<void> {
    const socket = net.connect({ ...urls.tcp, noDelay: true });
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
    await once(socket, "connect");
    this.connected();
    onLine(socket, (line) => this.take(readFrame(line)));
    socket.on("close", onClosed);
    const { filter, cursor } = this;
    socket.write(`${JSON.stringify({ type: "subscribe", id: 1, filter, cursor })}\n`);
  }

  close(): void {
    this.#socket?.destroy();
  }
}

export class SseReader extends CursorReader {
  #request: http.ClientRequest | null = null;

  protected async open(urls: GatewayUrls, onClosed: () => void): Promise<void> {
    const url = `${urls.http}/v1/stream?filter=${encodeURIComponent(this.filter)}`;
    const headers = { "last-event-id": this.cursor };
    const request = http.get(url, { headers, agent: false });
    this.#request = request;
    // A killed gateway resets: whoever waits for the answer, or reads it, hears of it.
    request.on("error", () => request.destroy());
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`refused with ${response.statusCode}`);
    this.connected();
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        const frame = readFrame(data);
        this.take(event === "gap" && frame !== null ? { ...frame, type: "gap" } : frame);
        // An event of its own id moves the position as a browser would move it.
        if (id !== undefined && id !== "") this.cursor = id;
      },
    });
    response.on("error", () => request.destroy());
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => parser.feed(chunk));
    response.on("close", onClosed);
  }

  close(): void {
    this.#request?.destroy();
  }
}

/** Long enough that an idle reader waits in a hold, not in a loop. */
const HOLD_SECONDS = 5;

interface Page {
  readonly messages: readonly HeardFrame[];
  readonly cursor: string;
}

/** One poll after the other; each is a connection's worth of chances to be cut. */
export class PollReader extends CursorReader {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  #isClosed = false;
  #request: http.ClientRequest | null = null;

  protected async open(urls: GatewayUrls, onClosed: () => void): Promise<void> {
    await this.#poll(urls, 0);
    void this.#go(urls).then(onClosed);
  }

  close(): void {
    this.#isClosed = true;
    this.#request?.destroy();
    this.#agent.destroy();
  }

  async #go(urls: GatewayUrls): Promise<void> {
    try {
      while (!this.#isClosed) await this.#poll(urls, HOLD_SECONDS);
    } catch {
      // Cut: the caller waits for the next lifetime and polls on from the same cursor.
    }
  }

  async #poll(urls: GatewayUrls, seconds: number): Promise<void> {
    const query = `filter=${encodeURIComponent(this.filter)}&cursor=${this.cursor}&timeout=${seconds}`;
    const request = http.get(`${urls.http}/v1/poll?${query}`, { agent: this.#agent });
    this.#request = request;
    // A killed gateway resets: whoever waits for the answer, or reads it, hears of it.
    request.on("error", () => request.destroy());
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { statusCode, headers } = response;
    if (statusCode === 204) this.cursor = String(headers["tributary-cursor"]);
    else if (statusCode === 410) this.take({ ...readFrame(body), type: "gap" });
    else if (statusCode === 200) this.#takePage(JSON.parse(body) as Page);
    else throw new Error(`refused with ${statusCode}`);
  }

  #takePage(page: Page): void {
    // A page is one step: what is in it came on one connection.
    this.connected();
    for (const message of page.messages) this.take(message);
    this.cursor = page.cursor;
  }
}
