import type { ConnectionOptions } from "node:tls";
import type { EgressName, IngressName } from "../plan.ts";
import type { Factors } from "../plan-factors.ts";

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

/** The factors that a connection is made of; the others are the schedule's. */
export type DriverFactors = Pick<
  Factors,
  | "qos"
  | "mqttVersion"
  | "compression"
  | "noDelay"
  | "connections"
  | "plainPollIntervalMs"
  | "websocketSubprotocol"
>;

/** What a driver is given to connect with. */
export interface DriverContext {
  readonly targets: Targets;
  readonly factors: DriverFactors;
  /** Distinguishes this connection from the run's others: an MQTT client id, for one. */
  readonly clientId: string;
  /** The connection failed while the run needed it. Called at most once. */
  readonly onFailure: (cause: Error) => void;
}

/** A message on its way out. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Whether it stays behind for readers that come later. */
  readonly isRetained?: boolean;
}

/** One connected publisher. */
export interface Publisher {
  /**
   * Sends now, never later, and resolves when the gateway has acknowledged as far as this ingress
   * does: at QoS 0, when the bytes are handed to the socket. Rejects when it was refused.
   */
  publish(message: Outgoing): Promise<void>;
  /** Sends several as one, where the transport has a way to: a bulk request. */
  readonly publishTogether?: (messages: readonly Outgoing[]) => Promise<void>;
  close(): Promise<void>;
}

/** What a reader asks for. */
export interface Subscription {
  readonly filter: string;
  readonly start: ReaderStart;
}

/** Where a reader begins. */
export type ReaderStart =
  | { readonly from: "now"; readonly wantsRetained: boolean }
  /** New, in a way that can be resumed: MQTT's session is one that stays. */
  | { readonly from: "resumable" }
  /** After what the reader whose `position` this was had received. */
  | { readonly from: "position"; readonly position: string | null };

/** One connected, subscribed reader. */
export interface Reader {
  close(): Promise<void>;
  /** Stops taking bytes from the socket, which stays open. */
  pause(): void;
  resume(): void;
  /** Breaks the connection as a network does: by a reset, without a word of the protocol. */
  reset(): void;
  /** What to resume after; `null` where the gateway keeps that itself. */
  position(): string | null;
}

/** Called with each payload as soon as client code has it whole, at `receivedAtNs`. */
export type OnPayload = (payload: Uint8Array, receivedAtNs: number) => void;

/** Connects a publisher. */
export type OpenPublisher = (context: DriverContext) => Promise<Publisher>;

/** Connects a reader and resolves only when whatever is published from now on will reach it. */
export type OpenReader = (
  context: DriverContext,
  subscription: Subscription,
  onPayload: OnPayload,
) => Promise<Reader>;

/** Every way in and out that a plan can name. */
export interface Drivers {
  readonly publishers: Readonly<Record<IngressName, OpenPublisher>>;
  readonly readers: Readonly<Record<EgressName, OpenReader>>;
}
