import type { ConnectionOptions } from "node:tls";
import type { EgressName, IngressName } from "../plan.ts";

/** Where the gateway under test listens. */
export interface Targets {
  /** Base of the HTTP interface, such as `http://127.0.0.1:8080`. */
  readonly httpUrl: string;
  /** The command endpoint, such as `ws://127.0.0.1:8080/ws`. */
  readonly websocketUrl: string;
  /** MQTT over WebSocket, such as `ws://127.0.0.1:8080/mqtt`. */
  readonly mqttWebsocketUrl: string;
  readonly mqttUrl: string;
  /** Raw TCP; `null` when the gateway does not offer it. */
  readonly tcpUrl: string | null;
  /** Whom to trust, and who the drivers are, where an address is one of TLS. */
  readonly tls: ConnectionOptions;
  /** The proxy every connection goes through, as `socks5://HOST:PORT`; absent: none. */
  readonly proxyUrl?: string;
}

/** What a driver is given to connect with. */
export interface DriverContext {
  readonly targets: Targets;
  /** Distinguishes this connection from the run's others: an MQTT client id, for one. */
  readonly clientId: string;
  /** The connection failed while the run needed it. Called at most once. */
  readonly onFailure: (cause: Error) => void;
}

/** One connected publisher. */
export interface Publisher {
  /**
   * Sends now, never later, and resolves when the gateway has acknowledged as far as this ingress
   * does: at QoS 0, when the bytes are handed to the socket. Rejects when it was refused.
   */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** One connected, subscribed reader. */
export interface Reader {
  close(): Promise<void>;
}

/** Called with each payload as soon as client code has it whole, at `receivedAtNs`. */
export type OnPayload = (payload: Uint8Array, receivedAtNs: number) => void;

/** Connects a publisher. */
export type OpenPublisher = (context: DriverContext) => Promise<Publisher>;

/** Connects a reader and resolves only when whatever is published from now on will reach it. */
export type OpenReader = (
  context: DriverContext,
  filter: string,
  onPayload: OnPayload,
) => Promise<Reader>;

/** Every way in and out that a plan can name. */
export interface Drivers {
  readonly publishers: Readonly<Record<IngressName, OpenPublisher>>;
  readonly readers: Readonly<Record<EgressName, OpenReader>>;
}
