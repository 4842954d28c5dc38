import { type CommandClient, LineClient, WebSocketClient } from "./command-client.ts";
import type { GatewayUrls } from "./contract/client.ts";
import { type Answer, send } from "./http-client.ts";

/** A publish that may be repeated. */
export interface KeyedMessage {
  readonly topic: string;
  readonly payload: string;
  readonly key: string;
  /** Who publishes it; anonymous without. */
  readonly user?: string;
}

/** What became of it: an offset, or the code of the refusal with its HTTP status where it has one. */
export type KeyedOutcome =
  | { readonly offset: number }
  | { readonly code: string; readonly status?: number };

/** One way to publish with an idempotency key, over a connection of its own each time. */
export interface KeyedTransport {
  readonly name: string;
  /** Whether refusals carry an HTTP status. */
  readonly hasStatus: boolean;
  publish(urls: GatewayUrls, message: KeyedMessage): Promise<KeyedOutcome>;
}

const portOf = (urls: GatewayUrls) => Number(new URL(urls.http).port);

function headersOf({ user }: KeyedMessage): Record<string, string> {
  if (user === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${user}:secret`).toString("base64")}` };
}

function refusal({ status, json }: Answer): KeyedOutcome {
  return { code: String(json().code), status };
}

const byHttp: KeyedTransport = {
  name: "http",
  hasStatus: true,
  async publish(urls, message) {
    const { topic, payload, key } = message;
    const headers = { ...headersOf(message), "Idempotency-Key": key };
    const target = `/v1/topics/${topic}`;
    const answer = await send(portOf(urls), "POST", target, { headers, body: payload });
    return answer.status === 202 ? { offset: Number(answer.json().offset) } : refusal(answer);
  },
};

const byBulk: KeyedTransport = {
  name: "bulk",
  hasStatus: true,
  async publish(urls, message) {
    const { topic, payload, key } = message;
    const headers = { ...headersOf(message), "Content-Type": "application/json" };
    const body = JSON.stringify([{ topic, payload, idempotencyKey: key }]);
    const answer = await send(portOf(urls), "POST", "/v1/publish", { headers, body });
    if (answer.status !== 202) return refusal(answer);
    const { results } = answer.json() as { results: readonly { offset: number }[] };
    return { offset: results[0]?.offset ?? 0 };
  },
};

async function command(client: CommandClient, message: KeyedMessage): Promise<KeyedOutcome> {
  await client.expect("welcome");
  const { topic, payload, key, user } = message;
  if (user !== undefined) {
    client.command({ type: "authenticate", user, password: "secret" });
    await client.expect("authenticated");
  }
  client.command({ type: "publish", topic, payload, idempotencyKey: key });
  const frame = await client.next();
  await client.close();
  return frame.type === "published"
    ? { offset: Number(frame.offset) }
    : { code: String(frame.code) };
}

const byWebSocket: KeyedTransport = {
  name: "websocket",
  hasStatus: false,
  publish: (urls, message) =>
    command(new WebSocketClient(`${urls.http.replace("http", "ws")}/ws`), message),
};

const byTcp: KeyedTransport = {
  name: "tcp",
  hasStatus: false,
  publish: (urls, message) => command(new LineClient(urls.tcp.port), message),
};

/** Every transport that takes idempotency keys. */
export const KEYED_TRANSPORTS: readonly KeyedTransport[] = [byHttp, byBulk, byWebSocket, byTcp];
