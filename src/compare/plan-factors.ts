import { z } from "zod";

/** Shapes of a network between the load and the gateway; `loopback` is none at all. */
export const NETWORK_PROFILES = [
  "loopback",
  "lan",
  "wifi",
  "3g",
  "satellite",
  "nat-timeout",
] as const;

export const MQTT_VERSIONS = ["3.1.1", "5.0"] as const;

/** Encodings of the command protocol; MQTT over WebSocket is a transport of its own. */
export const WEBSOCKET_SUBPROTOCOLS = ["tributary.v1.json", "tributary.v1.binary"] as const;

/** HTTP: one connection for all requests, or a new one for each, as unpooled clients do. */
export const CONNECTION_USES = ["keep-alive", "per-request"] as const;

/**
 * What a plan holds constant, or varies when its value is a list. A publisher or reader whose name
 * fixes a factor (`mqtt-qos0`, `websocket-binary`) keeps to its name.
 */
export const FACTOR_SCHEMAS = {
  /** At least a stamp and a little filler. */
  payloadBytes: z.int().min(64).max(1_048_576),
  /** Messages a second of each publisher. */
  ratePerSecond: z.number().positive().max(10_000),
  /** Of MQTT publishers whose name says none, and of MQTT subscriptions. */
  qos: z.literal([0, 1, 2]),
  mqttVersion: z.enum(MQTT_VERSIONS),
  /** Readers on each egress; one of them is measured, the rest are load. */
  fanOut: z.int().min(1).max(10_000),
  tls: z.boolean(),
  /** permessage-deflate on WebSocket connections. */
  compression: z.boolean(),
  /** TCP_NODELAY on the load's sockets; off lets Nagle's algorithm wait for acknowledgements. */
  noDelay: z.boolean(),
  connections: z.enum(CONNECTION_USES),
  /** Messages that leave together: a bulk request, or writes of one turn. */
  batchSize: z.int().min(1).max(1_000),
  plainPollIntervalMs: z.int().min(1).max(60_000),
  websocketSubprotocol: z.enum(WEBSOCKET_SUBPROTOCOLS),
  network: z.enum(NETWORK_PROFILES),
} as const;

export type FactorName = keyof typeof FACTOR_SCHEMAS;

/** One value of every factor. */
export type Factors = {
  readonly [Name in FactorName]: z.infer<(typeof FACTOR_SCHEMAS)[Name]>;
};

/** What a plan that is silent about a factor gets. */
export const DEFAULT_FACTORS: Factors = {
  payloadBytes: 200,
  ratePerSecond: 50,
  qos: 1,
  mqttVersion: "3.1.1",
  fanOut: 1,
  tls: false,
  compression: false,
  noDelay: true,
  connections: "keep-alive",
  batchSize: 1,
  plainPollIntervalMs: 100,
  websocketSubprotocol: "tributary.v1.json",
  network: "loopback",
};

export const FACTOR_NAMES: readonly FactorName[] = [
  "payloadBytes",
  "ratePerSecond",
  "qos",
  "mqttVersion",
  "fanOut",
  "tls",
  "compression",
  "noDelay",
  "connections",
  "batchSize",
  "plainPollIntervalMs",
  "websocketSubprotocol",
  "network",
];

/** A factor's schema in a plan: one value, or at least two distinct ones to sweep over. */
function factor<Schema extends z.ZodType>(schema: Schema) {
  const list = z
    .array(schema)
    .min(2, "a sweep needs at least two values")
    .refine((values) => new Set(values).size === values.length, "a sweep names one value twice");
  return z.union([schema, list]);
}

/** The factors as fields of a plan's schema. */
export const FACTOR_FIELDS = {
  payloadBytes: factor(FACTOR_SCHEMAS.payloadBytes).default(DEFAULT_FACTORS.payloadBytes),
  ratePerSecond: factor(FACTOR_SCHEMAS.ratePerSecond).default(DEFAULT_FACTORS.ratePerSecond),
  qos: factor(FACTOR_SCHEMAS.qos).default(DEFAULT_FACTORS.qos),
  mqttVersion: factor(FACTOR_SCHEMAS.mqttVersion).default(DEFAULT_FACTORS.mqttVersion),
  fanOut: factor(FACTOR_SCHEMAS.fanOut).default(DEFAULT_FACTORS.fanOut),
  tls: factor(FACTOR_SCHEMAS.tls).default(DEFAULT_FACTORS.tls),
  compression: factor(FACTOR_SCHEMAS.compression).default(DEFAULT_FACTORS.compression),
  noDelay: factor(FACTOR_SCHEMAS.noDelay).default(DEFAULT_FACTORS.noDelay),
  connections: factor(FACTOR_SCHEMAS.connections).default(DEFAULT_FACTORS.connections),
  batchSize: factor(FACTOR_SCHEMAS.batchSize).default(DEFAULT_FACTORS.batchSize),
  plainPollIntervalMs: factor(FACTOR_SCHEMAS.plainPollIntervalMs).default(
    DEFAULT_FACTORS.plainPollIntervalMs,
  ),
  websocketSubprotocol: factor(FACTOR_SCHEMAS.websocketSubprotocol).default(
    DEFAULT_FACTORS.websocketSubprotocol,
  ),
  network: factor(FACTOR_SCHEMAS.network).default(DEFAULT_FACTORS.network),
};
