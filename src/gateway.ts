import { randomBytes } from "node:crypto";
import { Bus, type BusLimits } from "./bus/bus.ts";
import type { Clock } from "./bus/clock.ts";
import type { AccessPolicy } from "./bus/ports.ts";
import { type Store, StoreError, type StoreObserver } from "./bus/store-port.ts";
import { derivedMaxPacketBytes } from "./config/derived.ts";
import { ConfigError } from "./config/problem.ts";
import type { Config } from "./config/schema.ts";
import { apiDocuments } from "./documents/api-documents.ts";
import { ALLOW_ANYONE, type Authenticator } from "./security/authenticator.ts";
import { ListenerCertificates } from "./security/tls-certificates.ts";
import { LmdbStore, type OpenableEnvironment } from "./store/lmdb/lmdb-store.ts";
import { MemoryStore } from "./store/memory/memory-store.ts";
import { MemoryMessageLog } from "./store/memory/message-log.ts";
import { Activity } from "./telemetry/activity.ts";
import { Health } from "./telemetry/health.ts";
import { type AdjustableLevel, LogLevelSwitch } from "./telemetry/log-level.ts";
import type { Logger } from "./telemetry/logger.ts";
import { Metrics, type StateReading } from "./telemetry/metrics.ts";
import { StoreWatch } from "./telemetry/store-watch.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { readClock, TickClock } from "./telemetry/tick-clock.ts";
import { FlushLoop } from "./transport/flush-loop.ts";
import { HttpTransport } from "./transport/http/http-transport.ts";
import type { HttpServices, StoredState } from "./transport/http/options.ts";
import { MqttTransport } from "./transport/mqtt/mqtt-transport.ts";
import { SessionRegistry } from "./transport/session-registry.ts";
import { TcpTransport } from "./transport/tcp/tcp-transport.ts";
import type { ListenAddress, Transport, TransportContext } from "./transport/transport.ts";
import { WebSocketTransport } from "./transport/websocket/websocket-transport.ts";
import { readVersion } from "./version.ts";

/** What may be put in another's place; tests give their own, later versions give more. */
export interface GatewayParts {
  readonly store?: Store;
  /** Under the disk store of the settings; what its reads and writes fail of, it decides. */
  readonly storeEnvironment?: OpenableEnvironment;
  readonly clock?: Clock;
  readonly policy?: AccessPolicy;
  readonly authenticator?: Authenticator;
  /** Of the logger, if it has a level that can be changed. */
  readonly logLevel?: AdjustableLevel;
}

/** The whole process but its command line. */
export interface Gateway {
  readonly bus: Bus;
  readonly sessions: SessionRegistry;
  readonly telemetry: Telemetry;
  readonly logLevel: LogLevelSwitch;
  /** Opens every listener, or none: rejects with the reason after closing those that were open. */
  start(): Promise<readonly ListenAddress[]>;
  /** Reads the files again that may change while it runs, and logs what came of it. Never rejects. */
  reload(): Promise<void>;
  /** Refuses new work, tells clients, delivers what is queued; ends within `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  /**
   * Ends everything now. Idempotent; works half-started. Rejects with a `StoreError` when the store
   * has not closed after `closeTimeoutMs`, by default {@link STORE_CLOSE_MS}.
   */
  stop(closeTimeoutMs?: number): Promise<void>;
}

/** Builds the gateway from a checked config; nothing is opened before `start`. */
export function createGateway(config: Config, logger: Logger, parts: GatewayParts = {}): Gateway {
  return new ComposedGateway(config, logger, parts);
}

class ComposedGateway implements Gateway {
  readonly bus: Bus;
  readonly sessions: SessionRegistry;
  readonly telemetry: Telemetry;
  readonly logLevel: LogLevelSwitch;
  readonly #activity: Activity;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #store: Store;
  readonly #health = new Health();
  readonly #certificates: ListenerCertificates;
  /** In the order of their start; they end in the opposite one. */
  readonly #transports: readonly Transport[];
  /** Where the listeners are, once all of them are open. */
  #addresses: readonly ListenAddress[] = [];
  #stopping: Promise<void> | null = null;

  constructor(config: Config, logger: Logger, parts: GatewayParts) {
    this.#config = config;
    this.#logger = logger;
    const { clock, acceptanceClock, readNow } = clocks(parts.clock);
    this.telemetry = new Telemetry({ clock, readNow });
    this.#activity = new Activity(this.telemetry);
    const adjustable = parts.logLevel ?? { level: config.logging.level };
    this.logLevel = new LogLevelSwitch(logger, adjustable);
    this.#store = parts.store ?? this.#createStore(acceptanceClock, parts.storeEnvironment);
    this.bus = new Bus({
      log: this.#store.log,
      retained: this.#store.retained,
      sessions: this.#store.sessions,
      keys: this.#store.keys,
      clock,
      policy: parts.policy ?? null,
      observer: this.telemetry,
      limits: busLimits(config),
    });
    this.sessions = new SessionRegistry(config.limits.connections, logger);
    this.#certificates = new ListenerCertificates(config, logger, () => clock.now());
    this.#health.setReason("start", "the listeners are not open yet");
    this.#transports = this.#buildTransports({
      bus: this.bus,
      clock,
      flushLoop: new FlushLoop((error) => logger.error("flush failed", { error })),
      sessions: this.sessions,
      authenticator: parts.authenticator ?? ALLOW_ANYONE,
      observer: this.telemetry,
      logger,
      limits: config.limits,
    });
  }

  #createStore(clock: Clock, environment: OpenableEnvironment | undefined): Store {
    const { log, store } = this.#config;
    const epoch = newEpoch();
    if (store.kind === "memory") {
      return new MemoryStore(new MemoryMessageLog({ epoch, window: log, clock }));
    }
    return new LmdbStore({
      directory: store.dataDir,
      epoch,
      clock,
      observer: this.#watchStore(),
      durability: store.durability,
      tail: log,
      disk: store,
      isQos0Stored: log.qos0 === "disk",
      maxPendingBytes: store.maxPendingBytes,
      ...(environment === undefined ? {} : { environment }),
    });
  }

  #watchStore(): StoreObserver {
    const { telemetry } = this;
    return new StoreWatch({
      counters: telemetry.store,
      health: this.#health,
      logger: this.#logger,
      fault: () => this.#store.readState().fault,
      now: () => telemetry.readNow(),
    });
  }

  async #openStore(): Promise<void> {
    await this.#store.open();
    this.bus.restore();
    if (this.#config.store.kind === "memory") return;
    const { logMessages, logBytes, recoverySeconds } = this.#store.readState();
    this.#logger.info("store open", { logMessages, logBytes, recoverySeconds });
  }

  #buildTransports(context: TransportContext): readonly Transport[] {
    const { http, limits, mqtt, tcp, websocket } = this.#config;
    const { maxSubscriptionsPerSession } = limits;
    const mqttTransport = new MqttTransport(context, {
      ...mqtt,
      tlsListener: this.#certificates.listener("mqtt"),
      maxPacketBytes: mqtt.maxPacketBytes || derivedMaxPacketBytes(limits),
      maxSubscriptionsPerSession,
    });
    const websocketTransport = new WebSocketTransport(context, {
      ...websocket,
      maxSubscriptionsPerSession,
      mqttPath: mqtt.websocketPath,
      allowedOrigins: http.allowedOrigins,
      acceptMqtt: (stream, peer) => mqttTransport.acceptStream(stream, peer),
    });
    const certificates = this.#certificates;
    const httpTransport = new HttpTransport(context, {
      ...http,
      tlsListener: certificates.listener("http"),
      upgradePaths: [websocket.path, mqtt.websocketPath],
      ...this.#httpServices(),
    });
    httpTransport.onUpgrade((request, socket, head) =>
      websocketTransport.handleUpgrade(request, socket, head),
    );
    const tcpTransport = new TcpTransport(context, {
      ...tcp,
      tlsListener: certificates.listener("tcp"),
      maxSubscriptionsPerSession,
    });
    // Who takes upgrades must be there before the listener they come from.
    return [mqttTransport, websocketTransport, httpTransport, tcpTransport];
  }

  #httpServices(): HttpServices {
    const version = readVersion();
    const readState = () => this.#readState();
    const metrics = new Metrics(this.telemetry, readState, { version, node: process.version });
    return {
      version,
      health: () => this.#health,
      documents: apiDocuments({
        version: readVersion(),
        config: this.#config,
        addresses: () => this.#addresses,
      }),
      metricsText: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
      activity: () => this.#activity.report(),
      state: readState,
      logLevel: this.logLevel,
      // There is no access control yet that could name an administrator.
      isAdmin: () => true,
    };
  }

  #readState(): StateReading & StoredState {
    return {
      sessions: this.sessions.count,
      subscriptions: this.bus.subscriptionCount,
      retainedMessages: this.bus.retainedCount,
      retainedBytes: this.#store.retained.bytes,
      logMessages: this.bus.lastOffset - this.bus.firstOffset + 1,
      logBytes: this.#store.log.bytes,
      store: { kind: this.#config.store.kind, ...this.#store.readState() },
      certificates: this.#certificates.expiries(),
    };
  }

  async start(): Promise<readonly ListenAddress[]> {
    const { kind } = this.#config.store;
    this.#logger.info("starting", { version: readVersion(), node: process.version, store: kind });
    const problems = await this.#certificates.load();
    if (problems.length > 0) {
      throw new ConfigError(problems.map((problem) => ({ ...problem, source: null })));
    }
    await this.#openStore();
    this.#activity.start();
    const addresses: ListenAddress[] = [];
    try {
      for (const transport of this.#transports) addresses.push(...(await transport.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
    for (const { transport, host, port, url } of addresses) {
      this.#logger.info("listening", { transport, address: host, port, url });
    }
    this.#store.restored?.();
    this.#addresses = addresses;
    this.#health.setReason("start", null);
    this.#logger.info("ready", { epoch: this.bus.epoch });
    return addresses;
  }

  reload(): Promise<void> {
    return this.#certificates.reload();
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#health.setReason("drain", "the gateway is about to stop");
    this.#logger.info("draining", { timeoutMs, sessions: this.sessions.count });
    this.bus.refuseNewMessages();
    await Promise.all(this.#transports.map((transport) => transport.drain(timeoutMs)));
    this.#logger.info("drained", { sessions: this.sessions.count });
  }

  stop(closeTimeoutMs: number = STORE_CLOSE_MS): Promise<void> {
    this.#stopping ??= this.#stop(closeTimeoutMs);
    return this.#stopping;
  }

  async #stop(closeTimeoutMs: number): Promise<void> {
    this.#activity.stop();
    for (const transport of [...this.#transports].reverse()) await transport.stop();
    await closeWithin(this.#store, closeTimeoutMs);
    this.#logger.info("stopped");
  }
}

/**
 * Milliseconds the store may take to close: a last commit takes well under one, even on a slow disk.
 * A disk that hangs for longer must not keep an operator from ending the process.
 */
const STORE_CLOSE_MS = 10_000;

async function closeWithin(store: Store, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const text = `the store has not closed within ${timeoutMs} ms: the disk hangs; nothing that was acknowledged is lost`;
      reject(new StoreError(text));
    }, timeoutMs);
  });
  try {
    await Promise.race([store.close(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the gateway takes its time from; a clock of a test is all of them. */
function clocks(given: Clock | undefined): {
  readonly clock: Clock;
  /** What messages are stamped by when they are accepted. */
  readonly acceptanceClock: Clock;
  /** Of this very moment. */
  readonly readNow: () => number;
} {
  if (given !== undefined) {
    return { clock: given, acceptanceClock: given, readNow: () => given.now() };
  }
  const clock = new TickClock();
  return { clock, acceptanceClock: { now: () => clock.precise() }, readNow: readClock };
}

/** 60 random bits in base 36: no two starts share a name, so no cursor of another life is believed. */
function newEpoch(): string {
  return (randomBytes(8).readBigUInt64BE() >> 4n).toString(36).padStart(12, "0");
}

function busLimits({ limits }: Config): BusLimits {
  return {
    maxPayloadBytes: limits.maxPayloadBytes,
    maxRetainedMessages: limits.retained.maxMessages,
    maxRetainedBytes: limits.retained.maxBytes,
    queue: limits.queue,
    groups: limits.groups,
    idempotency: limits.idempotency,
  };
}
