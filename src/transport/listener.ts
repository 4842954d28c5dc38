import { once } from "node:events";
import type { Server } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { TransportName } from "../bus/message.ts";
import type { ListenerCertificate } from "../security/tls-certificate.ts";
import type { Logger } from "../telemetry/logger.ts";
import { TlsHandshakes } from "./tls-handshakes.ts";
import type { ListenAddress } from "./transport.ts";

/** Where a listener is to be opened. */
export interface ListenPlace {
  readonly transport: TransportName;
  /** Of the address clients are given, such as `mqtts`. */
  readonly scheme: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** The TLS listener of a transport, beside its plain one. */
export interface TlsListening {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly certificate: ListenerCertificate;
}

interface TlsParts {
  readonly server: TlsServer;
  readonly certificate: ListenerCertificate;
  readonly handshakes: TlsHandshakes;
}

/** One server of a transport: opened, found an address for, closed. */
export class Listener {
  readonly #server: Server;
  readonly #place: ListenPlace;
  readonly #logger: Logger;
  readonly #tls: TlsParts | null;
  #closed: Promise<void> | null = null;

  private constructor(server: Server, place: ListenPlace, logger: Logger, tls: TlsParts | null) {
    this.#server = server;
    this.#place = place;
    this.#logger = logger;
    this.#tls = tls;
  }

  static plain(server: Server, place: ListenPlace, logger: Logger): Listener {
    return new Listener(server, place, logger, null);
  }

  /** A listener whose server shows the certificate, as it is renewed. */
  static tls(
    server: TlsServer,
    certificate: ListenerCertificate,
    place: ListenPlace,
    logger: Logger,
  ): Listener {
    const handshakes = new TlsHandshakes(server, certificate, place.transport, logger);
    return new Listener(server, place, logger, { server, certificate, handshakes });
  }

  /** Rejects with the reason when the address cannot be bound. */
  async open(): Promise<ListenAddress> {
    const { transport, scheme, host, port } = this.#place;
    const server = this.#server;
    server.listen(port, host);
    await once(server, "listening");
    // Out of file descriptors, for one: the next connection may find some again.
    server.on("error", (error) => this.#logger.error("listener failed", { transport, error }));
    this.#tls?.certificate.keepCurrent(this.#tls.server);
    const address = server.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    const shown = host.includes(":") ? `[${host}]` : host;
    return { transport, host, port: bound, url: `${scheme}://${shown}:${bound}` };
  }

  /** Takes no new connection; resolves when the last one has closed. Idempotent. */
  close(): Promise<void> {
    this.#tls?.certificate.stop();
    this.#tls?.handshakes.end();
    // Its one error says that it was not listening, which is what is wanted.
    this.#closed ??= new Promise((resolve) => this.#server.close(() => resolve()));
    return this.#closed;
  }
}
