import { connect as connectPlain, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { parseProxy } from "../../client/proxy.ts";
import { openTlsTunnel, openTunnel } from "../../client/proxy-tunnel.ts";
import { TunnelStream } from "../../client/tunnel-stream.ts";
import type { Targets } from "./driver.ts";

/** Schemes that mean TLS, for MQTT and raw TCP. */
const TLS_SCHEMES = new Set(["mqtts:", "tls:"]);

/**
 * Connects to the host and port of a URL, no-delay on, by TLS when its scheme says so, through the
 * proxy of the targets. `defaultPort` is for a URL without one.
 */
export function connectTo(
  url: string,
  defaultPort: number,
  { tls, proxyUrl }: Pick<Targets, "tls" | "proxyUrl">,
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
  if (!TLS_SCHEMES.has(protocol)) return connectPlain({ ...place, noDelay: true });
  // An address is no name to ask a server for (RFC 6066 §3).
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ ...tls, ...place, ...name });
  socket.setNoDelay(true);
  return socket;
}
