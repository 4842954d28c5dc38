import { Agent, type AgentOptions, type IncomingMessage, request } from "node:http";
import { request as requestTls, Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import { parseProxy } from "../../client/proxy.ts";
import { tunnelAgent } from "../../client/tunnel-agent.ts";
import type { DriverContext } from "./driver.ts";

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
  readonly body?: Uint8Array | string;
  /** Called with the connection that carries it. */
  readonly onSocket?: (socket: Socket) => void;
}

/**
 * One connection at a time, kept between requests or new for each, as the run says. One, because
 * requests on several connections have no order among themselves, and every other driver has one
 * connection, too.
 */
export function agentOf(context: DriverContext): Agent {
  const keepAlive = context.factors.connections === "keep-alive";
  return agentFor(context.targets.httpUrl, context, { keepAlive, maxSockets: 1 });
}

/** An agent for the requests and handshakes of a URL, through the proxy of the targets. */
export function agentFor(
  url: string,
  { targets: { tls, proxyUrl }, factors: { noDelay } }: Pick<DriverContext, "targets" | "factors">,
  settings: AgentOptions,
): Agent {
  const all = { ...settings, noDelay };
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
  { method, headers = {}, body, onSocket = () => undefined }: Exchange,
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
    asked.on("socket", onSocket);
    asked.on("error", reject);
    asked.end(body);
  });
}
