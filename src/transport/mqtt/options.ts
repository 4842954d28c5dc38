import type { TlsListening } from "../listener.ts";
import type { QueueOverflowPolicy } from "./session-parts.ts";

/** Implementations of MQTT. */
export type MqttEngineName = "aedes" | "native";

/** What the MQTT transport and its engine are told; the config section of the same names. */
export interface MqttOptions {
  /** Whether the plain listener is opened. */
  readonly enabled: boolean;
  readonly engine: MqttEngineName;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly connectTimeoutMs: number;
  /** `null` for none. */
  readonly tlsListener: TlsListening | null;
  /** Connections to each listener; more are closed at once. */
  readonly maxConnections: number;
  /** Bytes of one packet, fixed header included. */
  readonly maxPacketBytes: number;
  readonly maxClientIdBytes: number;
  /** Deliveries of QoS 1 and 2 that may be unacknowledged in one session. */
  readonly maxInflight: number;
  /**
   * Messages of QoS 1 and 2 queued for one session, those in flight included; and packet ids of QoS 2
   * it may leave unreleased: these cannot wait, as PUBREL comes behind what the client sent first.
   */
  readonly maxQueuedMessages: number;
  /** Payload bytes queued for one session; one message is always let in. */
  readonly maxQueuedBytes: number;
  /** What a full queue of a persistent session does. */
  readonly queueOverflow: QueueOverflowPolicy;
  /** Persistent sessions, connected or not. */
  readonly maxSessions: number;
  /** Absence after which a persistent session is forgotten with its queue; 0 for never. */
  readonly sessionExpirySeconds: number;
  readonly maxSubscriptionsPerSession: number;
  /** A longer keep-alive, or none, is refused; 0 takes what the client asks for. */
  readonly maxKeepAliveSeconds: number;
  /** The highest topic alias a client may give, and the most we give it (MQTT 5). 0 for none. */
  readonly maxTopicAliases: number;
  /** Told to MQTT 5 clients that ask for it; empty for nothing. */
  readonly responseInformation: string;
  /** Where MQTT 5 clients are sent when the gateway is about to stop; empty for nowhere. */
  readonly serverReference: string;
}
