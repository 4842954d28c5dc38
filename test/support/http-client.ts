import http from "node:http";
import net from "node:net";
import { DEADLINE_MS } from "./contract/inbox.ts";
import { checkAnswer } from "./documents/answer-check.ts";
import { checkRawExchange } from "./documents/raw-exchange-check.ts";

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; throws when it is none. */
  json(): Record<string, unknown>;
}

/** What a request carries besides its method and target. */
export interface Request {
  readonly headers?: http.OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Buffer;
  readonly agent?: http.Agent;
}

/**
 * One request whose target goes out exactly as given, without a URL parser in between. Rejects when
 * the answer is not one the OpenAPI document knows.
 */
export function send(port: number, method: string, target: string, request: Request = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const options: http.RequestOptions = { host: "127.0.0.1", port, method, path: target };
    if (request.headers !== undefined) options.headers = request.headers;
    if (request.agent !== undefined) options.agent = request.agent;
    const outgoing = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(chunks);
        const { statusCode: status = 0, headers } = response;
        try {
          checkAnswer({ method, target, status, headers, body });
          resolve({ status, headers, body, json: () => JSON.parse(body.toString("utf8")) });
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.setTimeout(DEADLINE_MS, () =>
      outgoing.destroy(new Error(`${method} ${target}: late`)),
    );
    outgoing.on("error", reject);
    // As bytes: node would encode the headers in UTF-8 along with a text.
    outgoing.end(Buffer.from(request.body ?? ""));
  });
}

/** A connection on which a test writes bytes of its own and reads what comes back as text. */
export class RawConnection {
  readonly socket: net.Socket;
  received = "";
  #written = "";
  #waiters: (() => void)[] = [];

  constructor(port: number) {
    this.socket = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
      this.#wake();
    });
    this.socket.on("error", () => this.#wake());
    this.socket.on("close", () => this.#wake());
    this.socket.on("end", () => this.#wake());
  }

  /** The peer has ended its side, or the connection is gone. */
  get hasEnded(): boolean {
    return this.socket.readableEnded || this.socket.destroyed;
  }

  write(text: string | Uint8Array): void {
    this.#written += Buffer.from(text).toString("latin1");
    this.socket.write(text);
  }

  /** Resolves when the text received so far passes; rejects at the deadline or when it never can. */
  async until(isEnough: (received: string) => boolean, deadlineMs = DEADLINE_MS): Promise<string> {
    const deadline = performance.now() + deadlineMs;
    while (!isEnough(this.received)) {
      if (this.hasEnded) throw new Error(`ended after ${JSON.stringify(this.received)}`);
      await this.#change(deadline);
    }
    return this.received;
  }

  /** Resolves with everything received once the peer has ended. */
  async untilEnd(deadlineMs = DEADLINE_MS): Promise<string> {
    const deadline = performance.now() + deadlineMs;
    while (!this.hasEnded) await this.#change(deadline);
    return this.received;
  }

  /** Throws when an answer was not one the OpenAPI document knows. */
  close(): void {
    this.socket.destroy();
    checkRawExchange(this.#written, this.received);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #change(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`late; so far ${JSON.stringify(this.received.slice(-400))}`)),
        Math.max(1, deadline - performance.now()),
      );
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
