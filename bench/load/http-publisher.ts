import type { Socket } from "node:net";
import { open } from "./connection.ts";
import { TOPIC } from "./mqtt-bytes.ts";

const HEADERS_END = Buffer.from("\r\n\r\n");

/** Kept connections that post one message at a time each, from bytes built once. */
export class HttpPublisher {
  readonly #request: Buffer;
  readonly #idle: Socket[] = [];

  private constructor(payloadBytes: number) {
    const head =
      `POST /v1/topics/${TOPIC} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${payloadBytes}\r\n\r\n`;
    this.#request = Buffer.concat([Buffer.from(head), Buffer.alloc(payloadBytes, "x")]);
  }

  static async open(
    port: number,
    connections: number,
    payloadBytes: number,
    onAnswer: () => void,
  ): Promise<HttpPublisher> {
    const publisher = new HttpPublisher(payloadBytes);
    for (let i = 0; i < connections; i += 1) {
      const socket = await open(port);
      const answers = new AnswerCounter();
      socket.on("data", (chunk: Buffer) => {
        if (!answers.isComplete(chunk)) return;
        publisher.#idle.push(socket);
        onAnswer();
      });
      publisher.#idle.push(socket);
    }
    return publisher;
  }

  /** Posts on idle connections, at most `count`; returns how many were sent. */
  send(count: number): number {
    let sent = 0;
    while (sent < count) {
      const socket = this.#idle.pop();
      if (socket === undefined) break;
      socket.write(this.#request);
      sent += 1;
    }
    return sent;
  }
}

/** Tells when the one answer under way is complete, by its Content-Length. */
class AnswerCounter {
  #bytes: Buffer | null = null;

  isComplete(chunk: Buffer): boolean {
    const bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
    const end = bytes.indexOf(HEADERS_END);
    const length = end < 0 ? null : /content-length: (\d+)/i.exec(bytes.toString("latin1", 0, end));
    const isWhole = length !== null && bytes.length >= end + 4 + Number(length[1]);
    if (isWhole && bytes.toString("latin1", 9, 12) !== "202") {
      throw new Error(`a publish was refused: ${bytes.toString("latin1")}`);
    }
    this.#bytes = isWhole ? null : bytes;
    return isWhole;
  }
}
