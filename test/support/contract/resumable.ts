import http from "node:http";
import net from "node:net";
import { createInterface } from "node:readline";
import { createParser } from "eventsource-parser";
import WebSocket from "ws";

/** What a resuming reader saw, in order. */
export interface Sighting {
  readonly kind: "message" | "gap";
  /** The payload of a message, the reason of a gap. */
  readonly text: string;
}

/** A gap that was told, with the cursor from which delivery goes on. */
export interface ToldGap {
  readonly reason: string;
  readonly earliest: string;
}

/** Where the reader connects: through a proxy that cuts it. */
export interface ResumableTarget {
  readonly host: string;
  readonly port: number;
}

interface Frame {
  readonly type?: string;
  readonly payload?: string;
  readonly cursor?: string;
  readonly earliest?: string;
  readonly reason?: string;
}

/**
 * A reader that comes back after every cut with the cursor of the last thing it saw, and writes down
 * what it sees. Subclasses speak one transport each.
 */
export abstract class ResumableReader {
  readonly sightings: Sighting[] = [];
  readonly gaps: ToldGap[] = [];
  readonly target: ResumableTarget;
  readonly filter: string;
  cursor: string;
  connections = 0;
  #isStopped = false;
  readonly #until: (sighting: Sighting) => boolean;

  constructor(
    target: ResumableTarget,
    filter: string,
    cursor: string,
    until: (sighting: Sighting) => boolean,
  ) {
    this.target = target;
    this.filter = filter;
    this.cursor = cursor;
    this.#until = until;
  }

  get isDone(): boolean {
    return this.#isStopped;
  }

  /** Reads until the last message was seen; resolves then. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.connections += 1;
      await this.connection();
    }
  }

  /** One connection: resolves when it has ended, whatever the reason. */
  protected abstract connection(): Promise<void>;

  protected take(frame: Frame): void {
    if (this.#isStopped) return;
    if (frame.type === "gap") {
      this.gaps.push({ reason: frame.reason ?? "", earliest: frame.earliest ?? "" });
      this.#see({ kind: "gap", text: frame.reason ?? "" });
      this.cursor = frame.earliest ?? this.cursor;
      return;
    }
    if (frame.payload === undefined) return;
    this.cursor = frame.cursor ?? this.cursor;
    this.#see({ kind: "message", text: frame.payload });
  }

  #see(sighting: Sighting): void {
    this.sightings.push(sighting);
    if (this.#until(sighting)) this.#isStopped = true;
  }
}

export class ResumableWebSocket extends ResumableReader {
  protected connection(): Promise<void> {
    const { host, port } = this.target;
    const socket = new WebSocket(`ws://${host}:${port}/ws`);
    return new Promise((resolve) => {
      socket.on("open", () => {
        const { filter, cursor } = this;
        socket.send(JSON.stringify({ type: "subscribe", id: 1, filter, cursor }));
      });
      socket.on("message", (data) => {
        const frame = JSON.parse(String(data)) as Frame;
        if (frame.type === "message" || frame.type === "gap") this.take(frame);
        if (this.isDone) socket.terminate();
      });
      // A cut connection is expected; "close" follows.
      socket.on("error", () => socket.terminate());
      socket.on("close", () => resolve());
    });
  }
}

export class ResumableTcp extends ResumableReader {
  protected connection(): Promise<void> {
    const socket = net.connect(this.target);
    return new Promise((resolve) => {
      const { filter, cursor } = this;
      socket.write(`${JSON.stringify({ type: "subscribe", id: 1, filter, cursor })}\n`);
      createInterface({ input: socket }).on("line", (line) => {
        const frame = readLine(line);
        if (frame?.type === "message" || frame?.type === "gap") this.take(frame);
        if (this.isDone) socket.destroy();
      });
      socket.on("error", () => socket.destroy());
      socket.on("close", () => resolve());
    });
  }
}

/** The last line of a cut connection may be half a line. */
function readLine(line: string): Frame | null {
  if (!line.endsWith("}")) return null;
  try {
    return JSON.parse(line) as Frame;
  } catch {
    // Cut inside a nested object: not a line the gateway sent whole.
    return null;
  }
}

export class ResumableStream extends ResumableReader {
  protected connection(): Promise<void> {
    const path = `/v1/stream?filter=${encodeURIComponent(this.filter)}`;
    const headers = { "last-event-id": this.cursor };
    return new Promise((resolve) => {
      const request = http.get({ ...this.target, path, headers, agent: false }, (response) => {
        const parser = createParser({
          onEvent: (event) => {
            const frame = JSON.parse(event.data) as Frame;
            this.take(event.event === "gap" ? { ...frame, type: "gap" } : frame);
            if (this.isDone) request.destroy();
          },
        });
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => parser.feed(chunk));
        response.on("error", () => request.destroy());
        response.on("close", () => resolve());
      });
      request.on("error", () => resolve());
    });
  }
}

export class ResumablePoll extends ResumableReader {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  protected connection(): Promise<void> {
    const query = `filter=${encodeURIComponent(this.filter)}&cursor=${this.cursor}&timeout=5`;
    const options = { ...this.target, path: `/v1/poll?${query}`, agent: this.#agent };
    return new Promise((resolve) => {
      const request = http.get(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => resolve());
        response.on("end", () => {
          this.#take(response, Buffer.concat(chunks).toString());
          resolve();
        });
      });
      request.on("error", () => resolve());
    });
  }

  #take(response: http.IncomingMessage, body: string): void {
    if (!response.complete) return;
    if (response.statusCode === 204) this.cursor = String(response.headers["tributary-cursor"]);
    if (response.statusCode === 410) this.take({ ...(JSON.parse(body) as Frame), type: "gap" });
    if (response.statusCode !== 200) return;
    const page = JSON.parse(body) as { messages: Frame[]; cursor: string };
    for (const message of page.messages) this.take(message);
    this.cursor = page.cursor;
  }
}
