import { connectAsync, type IClientOptions, MqttClient } from "mqtt";
import { nodeTlsOptions } from "../client/node-tls.ts";
import type { ProxyAddress } from "../client/proxy.ts";
import { openTlsTunnel, openTunnel } from "../client/proxy-tunnel.ts";
import { tunnelAgent } from "../client/tunnel-agent.ts";
import { TunnelStream } from "../client/tunnel-stream.ts";
import { GatewayError } from "../errors.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Outgoing, PublisherLink, ReaderLink, ReadHandlers, ReadRequest } from "./link.ts";

/** A will: what others learn when this client is gone without a goodbye. */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
}

const CONNECT_TIMEOUT_MS = 10_000;
const RECONNECT_MS = 1_000;
const DEFAULT_PORT = 1883;
const DEFAULT_TLS_PORT = 8883;
/** SUBACK's refusal of one filter (MQTT 3.1.1 §3.9.3). */
const SUBSCRIPTION_REFUSED = 0x80;

/** Connects an MQTT publisher, over TCP or WebSocket as the URL says. */
export async function openMqttPublisher(endpoint: Endpoint, will?: Will): Promise<PublisherLink> {
  const client = await connectClient(endpoint, {
    reconnectPeriod: 0,
    ...(will === undefined
      ? {}
      : { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
  });
  // MQTT 3.1.1 has no negative acknowledgement: a refused publish closes the connection.
  const closed = new Promise<never>((_, reject) => {
    client.once("close", () => {
      if (!client.disconnecting) {
        reject(new Error("the gateway closed the connection: it refused the message"));
      }
    });
  });
  // Raced against each publish; between publishes nobody waits for it, and nothing is lost.
  closed.catch(() => undefined);
  return {
    publish: async ({ topic, payload, qos, retain }: Outgoing) => {
      const sent = client.publishAsync(topic, Buffer.from(payload), { qos, retain });
      // When the connection closes first, its own rejection is of no further interest.
      sent.catch(() => undefined);
      await Promise.race([sent, closed]);
    },
    close: () => Promise.race([client.endAsync(), closed]),
  };
}

/** Connects an MQTT reader; a lost connection is opened again and subscribed again. */
export async function openMqttReader(
  endpoint: Endpoint,
  request: ReadRequest,
  handlers: ReadHandlers,
): Promise<ReaderLink> {
  const client = await connectClient(endpoint, { reconnectPeriod: RECONNECT_MS });
  let settle: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    settle = resolve;
  });
  client.on("message", (topic, payload, packet) => {
    if (packet.retain && !request.wantsRetained) return;
    handlers.onMessage({
      topic,
      payload,
      qos: packet.qos,
      isRetained: packet.retain,
      cursor: null,
      contentType: null,
      ingress: null,
    });
  });
  client.on("close", () => {
    if (!client.disconnecting) handlers.onNotice("the connection was lost; connecting again");
  });
  client.on("error", (cause) => handlers.onNotice(cause.message));
  for (const filter of request.filters) await subscribe(client, filter, request.qos);
  return {
    ended,
    close: async () => {
      await client.endAsync();
      settle();
    },
  };
}

async function subscribe(client: MqttClient, filter: string, qos: 0 | 1 | 2): Promise<void> {
  const refusal = new GatewayError(
    "invalid_filter",
    `the gateway refused the filter ${JSON.stringify(filter)}`,
  );
  const grants = await client.subscribeAsync(filter, { qos }).catch(() => {
    throw refusal;
  });
  if (grants.some((grant) => Number(grant.qos) === SUBSCRIPTION_REFUSED)) throw refusal;
}

async function connectClient(endpoint: Endpoint, options: IClientOptions): Promise<MqttClient> {
  const { credentials, proxy, via } = endpoint;
  // The library keeps to itself what its connection failed of.
  let failure: Error | null = null;
  const onFailure = (cause: Error): void => {
    failure = cause;
  };
  const settings: IClientOptions = {
    protocolVersion: 4,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...connectionSettings(endpoint, onFailure),
    ...(credentials !== undefined && "user" in credentials
      ? { username: credentials.user, password: credentials.password }
      : {}),
    ...options,
  };
  const connecting =
    proxy === null || via === "mqtt-ws"
      ? connectAsync(endpoint.url, settings, false)
      : connectThrough(proxy, endpoint, settings, onFailure);
  const client = await connecting.catch((cause: unknown) => {
    throw failure ?? cause;
  });
  // Without a listener an error of the connection would end the process; `close` follows it.
  client.on("error", () => undefined);
  return client;
}

/** The library knows proxies of SOCKS alone, and those not over TLS: the connection is ours. */
function connectThrough(
  proxy: ProxyAddress,
  { url, tls }: Endpoint,
  settings: IClientOptions,
  onFailure: (cause: Error) => void,
): Promise<MqttClient> {
  const { hostname, port } = new URL(url);
  const defaultPort = tls === null ? DEFAULT_PORT : DEFAULT_TLS_PORT;
  const place = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || defaultPort) };
  const options = tls === null ? null : nodeTlsOptions(tls);
  const open = () =>
    (options === null ? openTunnel(proxy, place) : openTlsTunnel(proxy, place, options)).catch(
      (cause: Error) => {
        onFailure(cause);
        throw cause;
      },
    );
  const client = new MqttClient(() => new TunnelStream(open), settings);
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      client.off("error", fail);
      client.off("close", lost);
      client.off("connect", connected);
    };
    const fail = (cause: Error): void => {
      settle();
      // What it still says of its end is of no further interest.
      client.on("error", () => undefined);
      client.end(true);
      reject(cause);
    };
    const lost = (): void => fail(new Error("the gateway closed the connection"));
    const connected = (): void => {
      settle();
      resolve(client);
    };
    client.on("error", fail);
    client.on("close", lost);
    client.on("connect", connected);
  });
}

/**
 * Over TCP the library connects by TLS itself; over WebSocket the settings go to the socket's library,
 * and so does the way through a proxy.
 */
function connectionSettings(
  { via, url, tls, proxy }: Endpoint,
  onFailure: (cause: Error) => void,
): IClientOptions {
  const options = tls === null ? {} : nodeTlsOptions(tls);
  if (via !== "mqtt-ws") return options;
  const isTls = url.startsWith("wss:");
  const way = proxy === null ? {} : { agent: tunnelAgent(proxy, isTls, options, onFailure) };
  return { wsOptions: { ...options, ...way } };
}
