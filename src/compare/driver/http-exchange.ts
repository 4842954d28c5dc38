import { Agent, type AgentOptions, type IncomingMessage, request } from "node:http";
import { request as requestTls, Agent as TlsAgent } from "node:https";
import { parseProxy } from "../../client/proxy.ts";
import { tunnelAgent } from "../../client/tunnel-agent.ts";
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
export function keepAliveAgent(targets: Targets): Agent {
  return agentFor(targets.httpUrl, targets, { keepAlive: true, maxSockets: 1 });
}

/** An agent for the requests and handshakes of a URL: no-delay on, through the proxy of the targets. */
export function agentFor(url: string, { tls, proxyUrl }: Targets, settings: AgentOptions): Agent {
  const all = { ...settings, noDelay: true };
  const isSecure = isTls(url);
  if (proxyUrl !== undefined) {
    return tunnelAgent(parseProxy(proxyUrl), isSecure, isSecure ? { ...tls, ...all } : all);
  }
  return isSecure ? new TlsAgent({ ...tls, ...all }) : new Agent(all);
}

function isTls(url: string): boolean {
  return url.startsWith("https:") || url.startsWith("wss:");
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
