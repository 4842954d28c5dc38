import { connect as connectPlain, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** Schemes that mean TLS, for MQTT and raw TCP. */
const TLS_SCHEMES = new Set(["mqtts:", "tls:"]);

/**
 * Connects to the host and port of a URL, no-delay on, by TLS when its scheme says so. `defaultPort` is
 * for a URL without one.
 */
export function connectTo(url: string, defaultPort: number, tls: ConnectionOptions): Socket {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const place = { host, port: Number(port || defaultPort) };
  if (!TLS_SCHEMES.has(protocol)) return connectPlain({ ...place, noDelay: true });
  // An address is no name to ask a server for (RFC 6066 §3).
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ ...tls, ...place, ...name });
  socket.setNoDelay(true);
  return socket;
}
