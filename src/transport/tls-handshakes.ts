import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { TransportName } from "../bus/message.ts";
import type { ListenerCertificate } from "../security/tls-certificate.ts";
import { isPeerAcceptable } from "../security/tls-peer.ts";
import type { Logger } from "../telemetry/logger.ts";
import { noteWireSocket } from "./wire-socket.ts";

/**
 * The handshakes of one TLS server. A connection is the transport's only once its handshake is over;
 * until then it is counted by the server, cut off by the handshake timeout, and ended from here.
 */
export class TlsHandshakes {
  /** By the peer's address and port, which no two connections of a listener share. */
  readonly #pending = new Map<string, Socket>();

  /** To be created before the transport listens for `secureConnection` itself. */
  constructor(
    server: Server,
    certificate: ListenerCertificate,
    transport: TransportName,
    logger: Logger,
  ) {
    const { clientCertificates } = certificate.settings;
    server.on("connection", (socket: Socket) => {
      const peer = peerOf(socket);
      this.#pending.set(peer, socket);
      socket.once("close", () => {
        if (this.#pending.get(peer) === socket) this.#pending.delete(peer);
      });
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      const below = this.#pending.get(peerOf(socket));
      if (below !== undefined) noteWireSocket(socket, below);
      this.#pending.delete(peerOf(socket));
      if (isPeerAcceptable(socket, clientCertificates)) return;
      logger.debug("client certificate refused", { transport, error: socket.authorizationError });
      socket.on("error", () => undefined);
      socket.destroy();
    });
    server.on("tlsClientError", (error, socket) => {
      logger.debug("handshake failed", { transport, error: error.message });
      socket.destroy();
    });
  }

  /** Ends every connection that is still in its handshake. */
  end(): void {
    for (const socket of [...this.#pending.values()]) socket.destroy();
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
