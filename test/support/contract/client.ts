/** What the contract asks of a message's properties; only JSON and binary transports carry them. */
export interface ContractProperties {
  readonly contentType?: string;
  readonly userProperties?: readonly (readonly [string, string])[];
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
}

export interface PublishOptions {
  readonly retain?: boolean;
  readonly properties?: ContractProperties;
}

/** A client that publishes by one transport. */
export interface IngressClient {
  /** Resolves when the gateway has acknowledged, or, for QoS 0, when the bytes are written. */
  publish(topic: string, payload: Buffer, options?: PublishOptions): Promise<void>;
  /** Publishes in order, as fast as the transport allows. */
  publishAll(topic: string, payloads: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

/** A message as a reader of any transport sees it. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retained: boolean;
  readonly properties: ContractProperties | null;
  readonly cursor: string | null;
}

/** A client that reads by one transport. */
export interface EgressClient {
  next(): Promise<ReceivedMessage>;
  close(): Promise<void>;
}

/** Where the gateway under test listens. */
export interface GatewayUrls {
  readonly http: string;
  readonly mqtt: string;
  readonly tcp: { readonly host: string; readonly port: number };
}

/** One way in. */
export interface Ingress {
  readonly name: string;
  readonly transport: string;
  readonly qos: 0 | 1 | 2;
  readonly carriesProperties: boolean;
  open(urls: GatewayUrls): Promise<IngressClient>;
}

/** One way out. */
export interface Egress {
  readonly name: string;
  readonly carriesProperties: boolean;
  /** Resolves when the subscription is in force. */
  open(urls: GatewayUrls, filters: readonly string[]): Promise<EgressClient>;
}
