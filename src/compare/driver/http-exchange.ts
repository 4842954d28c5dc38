import { Agent, type IncomingMessage, request } from "node:http";
import { request as requestTls, Agent as TlsAgent } from "node:https";
import type { Targets } from "./driver.ts";

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** What a request is, beside its address. */
export interface Exchange {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/**
 * One connection kept open between requests, no-delay on. One, because requests on several connections
 * have no order among themselves, and every other driver has one connection, too.
 */
export function keepAliveAgent({ httpUrl, tls }: Targets): Agent {
  const settings = { keepAlive: true, maxSockets: 1, noDelay: true };
  return isTls(httpUrl) ? new TlsAgent({ ...tls, ...settings }) : new Agent(settings);
}

function isTls(url: string): boolean {
  return url.startsWith("https:");
}

/** One request and its whole answer. Rejects when the connection fails or `signal` ends it. */
export function exchange(
  agent: Agent,
  url: string,
  { method, headers = {}, body }: Exchange,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ask = isTls(url) ? requestTls : request;
    const asked = ask(url, { agent, method, headers, signal }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
