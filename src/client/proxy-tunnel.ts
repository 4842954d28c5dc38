import { lookup } from "node:dns/promises";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { SocksClient } from "socks";
import { serverName } from "./node-tls.ts";
import { type ProxyAddress, ProxyError, proxyText } from "./proxy.ts";

/** What lies behind the proxy. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** A proxy may first have to connect to the other side of the world. */
const TUNNEL_TIMEOUT_MS = 10_000;

/**
 * A connection to a destination through a proxy: SOCKS5 (RFC 1928, RFC 1929) or CONNECT (RFC 9110
 * §9.3.6). Carries any protocol; no-delay on, towards the proxy. Rejects with {@link ProxyError}.
 */
export async function openTunnel(proxy: ProxyAddress, destination: Destination): Promise<Socket> {
  const isSocks = proxy.kind === "socks5" || proxy.kind === "socks5h";
  const socket = await (isSocks ? openSocks(proxy, destination) : openConnect(proxy, destination));
  socket.setNoDelay(true);
  return socket;
}

/** The same by TLS with the destination: the proxy sees neither what is said nor what is proven. */
export async function openTlsTunnel(
  proxy: ProxyAddress,
  destination: Destination,
  tls: ConnectionOptions,
): Promise<Socket> {
  const socket = await openTunnel(proxy, destination);
  return new Promise((resolve, reject) => {
    const secure = connectTls({ ...serverName(destination.host), ...tls, socket });
    secure.once("secureConnect", () => {
      secure.off("error", reject);
      resolve(secure);
    });
    secure.once("error", reject);
  });
}

async function openSocks(proxy: ProxyAddress, { host, port }: Destination): Promise<Socket> {
  const { credentials } = proxy;
  try {
    const isName = proxy.kind === "socks5" && isIP(host) === 0;
    const { socket } = await SocksClient.createConnection({
      command: "connect",
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: 5,
        ...(credentials === null
          ? {}
          : { userId: credentials.user, password: credentials.password }),
      },
      destination: { host: isName ? (await lookup(host)).address : host, port },
      timeout: TUNNEL_TIMEOUT_MS,
    });
    return socket;
  } catch (cause) {
    throw unreachable(proxy, cause);
  }
}

function openConnect(proxy: ProxyAddress, { host, port }: Destination): Promise<Socket> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const ask = proxy.kind === "https" ? requestTls : request;
    const asked = ask({
      host: proxy.host,
      port: proxy.port,
      method: "CONNECT",
      path: authority,
      // A connection of its own: it becomes the tunnel.
      agent: false,
      headers: { host: authority, ...authorization(proxy) },
      signal: AbortSignal.timeout(TUNNEL_TIMEOUT_MS),
    });
    asked.once("connect", ({ statusCode }, socket: Socket, head: Buffer) => {
      if (statusCode === undefined || statusCode < 200 || statusCode > 299) {
        socket.destroy();
        reject(new ProxyError(`the proxy ${proxyText(proxy)} refused ${authority}: ${statusCode}`));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    // Some proxies answer a refusal as they would any other request.
    asked.once("response", ({ statusCode }) => {
      asked.destroy();
      reject(new ProxyError(`the proxy ${proxyText(proxy)} refused ${authority}: ${statusCode}`));
    });
    asked.once("error", (cause) => reject(unreachable(proxy, cause)));
    asked.end();
  });
}

function authorization({ credentials }: ProxyAddress): { readonly "proxy-authorization"?: string } {
  if (credentials === null) return {};
  const pair = Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64");
  return { "proxy-authorization": `Basic ${pair}` };
}

function unreachable(proxy: ProxyAddress, cause: unknown): ProxyError {
  // Node says it by a code, and the library of SOCKS by nothing but its text.
  const isRefused = !(cause instanceof Error) || /ECONNREFUSED/.test(cause.message);
  const why = isRefused ? "nothing answers there" : cause.message;
  // What failed is the proxy, and whoever looks at the message's cause must not blame the gateway.
  return new ProxyError(`no way through the proxy ${proxyText(proxy)}: ${why}`);
}
