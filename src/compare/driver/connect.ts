import { connect as connectPlain, isIP, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { parseProxy } from "../../client/proxy.ts";
import { openTlsTunnel, openTunnel } from "../../client/proxy-tunnel.ts";
import { TunnelStream } from "../../client/tunnel-stream.ts";
import type { DriverContext } from "./driver.ts";

/** Schemes that mean TLS, for MQTT and raw TCP. */
const TLS_SCHEMES = new Set(["mqtts:", "tls:"]);

/**
 * Connects to the host and port of a URL, by TLS when its scheme says so, through the proxy of the
 * targets. `defaultPort` is for a URL without one. Through a proxy Nagle's algorithm is off.
 */
export function connectTo(
  url: string,
  defaultPort: number,
  { targets: { tls, proxyUrl }, factors: { noDelay } }: DriverContext,
): Duplex {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const place = { host, port: Number(port || defaultPort) };
  if (proxyUrl !== undefined) {
    const proxy = parseProxy(proxyUrl);
    const isTls = TLS_SCHEMES.has(protocol);
    return new TunnelStream(() =>
      isTls ? openTlsTunnel(proxy, place, tls) : openTunnel(proxy, place),
    );
  }
  if (!TLS_SCHEMES.has(protocol)) return connectPlain({ ...place, noDelay });
  // An address is no name to ask a server for (RFC 6066 §3).
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ ...tls, ...place, ...name });
  socket.setNoDelay(noDelay);
  return socket;
}

/** Ends a connection by RST, as a network or a rebooted peer does; a tunnel's just ends. */
export function resetConnection(stream: Duplex): void {
  if (stream instanceof Socket) stream.resetAndDestroy();
  else stream.destroy();
}
