import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type RawData, WebSocket } from "ws";
import { LineSplitter } from "../wire/line.ts";
import { nodeTlsOptions, serverName } from "./node-tls.ts";
import type { ProxyAddress } from "./proxy.ts";
import { openTlsTunnel, openTunnel } from "./proxy-tunnel.ts";
import type { OpenSocket } from "./socket.ts";
import { DEFAULT_TLS, type TlsClientOptions } from "./tls-client-options.ts";
import { tunnelAgent } from "./tunnel-agent.ts";
import { TunnelStream } from "./tunnel-stream.ts";

/** How long a peer may take to answer our goodbye before the connection is cut. */
const GOODBYE_MS = 3_000;
const LOST = 1006;
const PROTOCOL_ERROR = 1002;

/** 24 MiB: a payload of 16 MiB as base64 and its facts. */
const MAX_LINE_BYTES = 24 * 1_048_576;

/**
 * Opens WebSocket connections from Node, by TLS for a `wss` URL, through a proxy when there is one.
 * Compression is not offered.
 */
export function nodeWebSocket(
  url: string,
  subprotocol: string,
  tls: TlsClientOptions = DEFAULT_TLS,
  proxy: ProxyAddress | null = null,
): OpenSocket {
  const options = nodeTlsOptions(tls);
  const isTls = url.startsWith("wss:");
  return (events) => {
    const socket = new WebSocket(url, [subprotocol], {
      perMessageDeflate: false,
      ...options,
      ...(proxy === null ? {} : { agent: tunnelAgent(proxy, isTls, options) }),
    });
    let failure = "";
    socket.on("open", () => events.opened());
    socket.on("message", (data: RawData, isBinary: boolean) => {
      const bytes = toBytes(data);
      events.received(isBinary ? bytes : bytes.toString("utf8"));
    });
    socket.on("error", (cause) => {
      failure = cause.message === "" ? cause.name : cause.message;
    });
    socket.on("close", (code, reason) => {
      events.closed(code, code === LOST ? failure : reason.toString("utf8"));
    });
    return {
      send(frame) {
        if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      },
      close(code, reason) {
        socket.close(code, reason);
        const timer = setTimeout(() => socket.terminate(), GOODBYE_MS);
        socket.once("close", () => clearTimeout(timer));
      },
    };
  };
}

function toBytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/**
 * Opens raw TCP connections: the same frames, one JSON object a line. By TLS when it is told how, and
 * through a proxy when there is one.
 */
export function tcpSocket(
  host: string,
  port: number,
  tls: TlsClientOptions | null = null,
  proxy: ProxyAddress | null = null,
): OpenSocket {
  return (events) => {
    const socket = open(host, port, tls, proxy);
    const splitter = new LineSplitter(MAX_LINE_BYTES);
    let end = { code: LOST, reason: "" };
    const opened = tls === null || proxy !== null ? "connect" : "secureConnect";
    socket.on(opened, () => events.opened());
    socket.on("data", (chunk: Buffer) => {
      try {
        splitter.push(chunk, (line) => events.received(line));
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        end = { code: PROTOCOL_ERROR, reason };
        socket.destroy();
      }
    });
    socket.on("error", (cause) => {
      end = { code: LOST, reason: cause.message };
    });
    socket.on("close", () => events.closed(end.code, end.reason));
    return {
      send(frame) {
        if (!socket.writable) return;
        socket.write(frame);
        socket.write("\n");
      },
      close() {
        socket.end();
        const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
        socket.once("close", () => clearTimeout(timer));
      },
    };
  };
}

function open(
  host: string,
  port: number,
  tls: TlsClientOptions | null,
  proxy: ProxyAddress | null,
): Duplex {
  if (proxy !== null) {
    const place = { host, port };
    return new TunnelStream(() =>
      tls === null ? openTunnel(proxy, place) : openTlsTunnel(proxy, place, nodeTlsOptions(tls)),
    );
  }
  return tls === null ? connect({ host, port, noDelay: true }) : secure(host, port, tls);
}

function secure(host: string, port: number, tls: TlsClientOptions): TLSSocket {
  const socket = connectTls({ host, port, ...serverName(host), ...nodeTlsOptions(tls) });
  socket.setNoDelay(true);
  return socket;
}
