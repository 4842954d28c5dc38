import { Bus, type BusLimits } from "../../src/bus/bus.ts";
import type { Clock } from "../../src/bus/clock.ts";
import type { AccessPolicy, MessageLog } from "../../src/bus/ports.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../../src/bus/topic.ts";
import { ALLOW_ANYONE, type Authenticator } from "../../src/security/authenticator.ts";
import { MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../../src/store/memory/retained-store.ts";
import type { Counters } from "../../src/telemetry/counters.ts";
import { SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { FlushLoop } from "../../src/transport/flush-loop.ts";
import { MqttTransport } from "../../src/transport/mqtt/mqtt-transport.ts";
import type { MqttOptions } from "../../src/transport/mqtt/options.ts";
import { SessionRegistry } from "../../src/transport/session-registry.ts";
import type { TransportLimits } from "../../src/transport/transport.ts";
import { ENGINE_UNDER_TEST } from "./mqtt-engine.ts";
import type { Life } from "./restartable-store.ts";

/** What a test may set. */
export interface MqttServerOptions {
  readonly options?: Partial<MqttOptions>;
  readonly limits?: Partial<TransportLimits>;
  readonly bus?: Partial<BusLimits>;
  readonly window?: { readonly maxMessages?: number; readonly maxBytes?: number };
  readonly maxConnections?: number;
  readonly policy?: AccessPolicy;
  /** In place of the system's. */
  readonly clock?: Clock;
  /** Puts the log in the hands of the test. */
  readonly wrapLog?: (log: MemoryMessageLog) => MessageLog;
  readonly authenticator?: Authenticator;
  /** In place of stores that end with the process. */
  readonly stores?: Life;
}

/** MQTT alone over a real bus in memory, on a free loopback port. */
export interface MqttServer {
  readonly port: number;
  readonly url: string;
  readonly bus: Bus;
  readonly sessions: SessionRegistry;
  readonly counters: Counters;
  readonly transport: MqttTransport;
  /** Publishes as another transport would. */
  publish(topic: string, payload: string, qos?: 0 | 1 | 2, retain?: boolean): void;
  /** How often a reason was counted for dropped messages. */
  dropped(reason: string): number;
  /** Stops twice and fails when anything is left. */
  stop(): Promise<void>;
}

const MQTT: MqttOptions = {
  enabled: true,
  engine: ENGINE_UNDER_TEST,
  tlsListener: null,
  host: "127.0.0.1",
  port: 0,
  connectTimeoutMs: 5_000,
  maxConnections: 1_000,
  maxPacketBytes: 1_200_000,
  maxClientIdBytes: 256,
  maxInflight: 256,
  maxQueuedMessages: 10_000,
  maxQueuedBytes: 16_777_216,
  queueOverflow: "disconnect",
  maxSessions: 1_000,
  sessionExpirySeconds: 0,
  maxSubscriptionsPerSession: 1_000,
  maxKeepAliveSeconds: 0,
  maxTopicAliases: 32,
  responseInformation: "",
  serverReference: "",
};

const LIMITS = {
  maxPayloadBytes: 1_048_576,
  maxTopicBytes: 4_096,
  maxTopicLevels: 128,
  maxFiltersPerRequest: 64,
  maxPublishesPerSecond: 0,
  outbox: { highWaterBytes: 262_144, maxControlBytes: 262_144 },
};

const BUS = {
  maxPayloadBytes: 1_048_576,
  maxRetainedMessages: 10_000,
  maxRetainedBytes: 16_777_216,
  queue: { maxMessages: 16_384, maxBytes: 4_194_304 },
};

const SYSTEM_CLOCK: Clock = { now: () => performance.timeOrigin + performance.now() };

/** Starts it; the test stops it. */
export async function startMqtt(given: MqttServerOptions = {}): Promise<MqttServer> {
  const telemetry = new Telemetry();
  const { counters } = telemetry;
  const clock = given.clock ?? SYSTEM_CLOCK;
  const window = { maxMessages: 65_536, maxBytes: 67_108_864, maxAgeMs: Number.POSITIVE_INFINITY };
  const memory = new MemoryMessageLog({
    epoch: "testepoch",
    window: { ...window, ...given.window },
    clock,
  });
  const bus = new Bus({
    log: given.wrapLog?.(memory) ?? memory,
    retained: new MemoryRetainedStore(),
    ...given.stores,
    clock,
    policy: given.policy ?? null,
    observer: telemetry,
    limits: { ...BUS, ...given.bus },
  });
  bus.restore();
  const max = given.maxConnections ?? 1_000;
  const sessions = new SessionRegistry({ max, maxPerAddress: max });
  const flushFailures: unknown[] = [];
  const transport = new MqttTransport(
    {
      bus,
      clock,
      flushLoop: new FlushLoop((error) => flushFailures.push(error)),
      sessions,
      authenticator: given.authenticator ?? ALLOW_ANYONE,
      observer: telemetry,
      logger: SILENT_LOGGER,
      limits: { ...LIMITS, ...given.limits },
    },
    { ...MQTT, ...given.options },
  );
  const [address] = await transport.start();
  const port = address?.port ?? 0;
  const origin = { transport: "http", sessionId: "test" } as const;
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    bus,
    sessions,
    counters,
    transport,
    publish(topic, payload, qos = 1, retain = false) {
      const draft = {
        topic: parseTopic(topic, PROTOCOL_TOPIC_LIMITS),
        payload: Buffer.from(payload),
        qos,
        retain,
        properties: {},
        origin,
        receivedAt: clock.now(),
      };
      bus.accept(draft, { user: null }, null);
    },
    dropped(reason) {
      const series = counters.droppedSeries().filter(({ labels }) => labels.reason === reason);
      return series.reduce((sum, { count }) => sum + count, 0);
    },
    async stop() {
      await transport.stop();
      await transport.stop();
      const left = {
        sessions: sessions.count,
        subscriptions: bus.subscriptionCount,
        index: bus.indexSize,
      };
      if (flushFailures.length > 0) throw new AggregateError(flushFailures, "a flush failed");
      if (Object.values(left).every((count) => count === 0)) return;
      throw new Error(`something is left behind: ${JSON.stringify(left)}`);
    },
  };
}
