import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Bus, type BusLimits } from "../../src/bus/bus.ts";
import type { AccessPolicy, MessageLog } from "../../src/bus/ports.ts";
import { ANONYMOUS } from "../../src/bus/ports.ts";
import { ALLOW_ANYONE, type Authenticator } from "../../src/security/authenticator.ts";
import { type LogWindow, MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../../src/store/memory/retained-store.ts";
import type { Counters } from "../../src/telemetry/counters.ts";
import { SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { FlushLoop } from "../../src/transport/flush-loop.ts";
import { SessionRegistry } from "../../src/transport/session-registry.ts";
import { TcpTransport } from "../../src/transport/tcp/tcp-transport.ts";
import type { TransportContext, TransportLimits } from "../../src/transport/transport.ts";
import {
  type WebSocketOptions,
  WebSocketTransport,
} from "../../src/transport/websocket/websocket-transport.ts";
import { EPOCH, TEST_LIMITS, TEST_ORIGIN, TEST_WINDOW, topic } from "./bus-kit.ts";

const LIMITS: TransportLimits = {
  maxPayloadBytes: 1_048_576,
  maxTopicBytes: 1_024,
  maxTopicLevels: 32,
  maxFiltersPerRequest: 8,
  maxPublishesPerSecond: 0,
  outbox: { highWaterBytes: 262_144, maxControlBytes: 262_144 },
};

export interface CommandKitOptions {
  readonly websocket?: Partial<WebSocketOptions>;
  readonly limits?: Partial<TransportLimits>;
  readonly bus?: Partial<BusLimits>;
  readonly window?: Partial<LogWindow>;
  readonly epoch?: string;
  readonly policy?: AccessPolicy;
  readonly authenticator?: Authenticator;
  readonly maxSessions?: number;
  /** Stands between the bus and its log. */
  readonly wrapLog?: (log: MessageLog) => MessageLog;
}

/** WebSocket and raw TCP over a real bus, without the other transports. */
export interface CommandKit {
  readonly bus: Bus;
  readonly counters: Counters;
  readonly sessions: SessionRegistry;
  readonly websocket: WebSocketTransport;
  readonly tcp: TcpTransport;
  readonly wsUrl: string;
  /** The gateway's end of every WebSocket, in the order of their handshakes. */
  readonly upgraded: readonly Duplex[];
  readonly httpPort: number;
  readonly tcpPort: number;
  /** Publishes as some other transport would. */
  publish(name: string, payload: string | Uint8Array, options?: PublishOptions): number;
  drain(timeoutMs: number): Promise<void>;
  /** Stops twice and fails when anything is left open. */
  stop(): Promise<void>;
}

export interface PublishOptions {
  readonly retain?: boolean;
  readonly qos?: 0 | 1;
}

export async function startCommands(options: CommandKitOptions = {}): Promise<CommandKit> {
  const clock = { now: () => performance.timeOrigin + performance.now() };
  const telemetry = new Telemetry();
  const { counters } = telemetry;
  const window = { ...TEST_WINDOW, ...options.window };
  const log = new MemoryMessageLog({ epoch: options.epoch ?? EPOCH, window, clock });
  const limits = { ...LIMITS, ...options.limits };
  const bus = new Bus({
    log: options.wrapLog?.(log) ?? log,
    retained: new MemoryRetainedStore(),
    clock,
    policy: options.policy ?? null,
    observer: telemetry,
    limits: { ...TEST_LIMITS, maxPayloadBytes: limits.maxPayloadBytes, ...options.bus },
  });
  const maxSessions = options.maxSessions ?? 1_000;
  const sessions = new SessionRegistry({ max: maxSessions, maxPerAddress: maxSessions });
  const context: TransportContext = {
    bus,
    clock,
    flushLoop: new FlushLoop((error) => {
      throw error;
    }),
    sessions,
    authenticator: options.authenticator ?? ALLOW_ANYONE,
    observer: telemetry,
    logger: SILENT_LOGGER,
    limits,
  };
  return open(context, counters, options);
}

async function open(
  context: TransportContext,
  counters: Counters,
  options: CommandKitOptions,
): Promise<CommandKit> {
  const { bus, sessions } = context;
  const settings: WebSocketOptions = {
    path: "/ws",
    mqttPath: "/mqtt",
    heartbeatMs: 25_000,
    authenticateTimeoutMs: 10_000,
    maxSubscriptionsPerSession: 8,
    maxFragments: 1_024,
    allowedOrigins: [],
    compression: { enabled: false, thresholdBytes: 64 },
    acceptMqtt: null,
    ...options.websocket,
  };
  const websocket = new WebSocketTransport(context, settings);
  const tcp = new TcpTransport(context, {
    ...settings,
    enabled: true,
    tlsListener: null,
    host: "127.0.0.1",
    port: 0,
    maxConnections: 1_000,
  });
  const http = createServer();
  const upgraded: Duplex[] = [];
  http.on("upgrade", (request, socket, head) => {
    upgraded.push(socket);
    websocket.handleUpgrade(request, socket, head);
  });
  await websocket.start();
  const [tcpAddress] = await tcp.start();
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const httpPort = (http.address() as AddressInfo).port;
  return {
    bus,
    counters,
    sessions,
    websocket,
    tcp,
    wsUrl: `ws://127.0.0.1:${httpPort}/ws`,
    upgraded,
    httpPort,
    tcpPort: tcpAddress?.port ?? 0,
    publish(name, payload, { retain = false, qos = 1 } = {}) {
      bus.accept(
        {
          topic: topic(name),
          payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
          qos,
          retain,
          properties: {},
          origin: TEST_ORIGIN,
          receivedAt: 0,
        },
        ANONYMOUS,
        null,
      );
      return bus.lastOffset;
    },
    async drain(timeoutMs) {
      bus.refuseNewMessages();
      await Promise.all([websocket.drain(timeoutMs), tcp.drain(timeoutMs)]);
    },
    async stop() {
      for (let i = 0; i < 2; i += 1) await Promise.all([websocket.stop(), tcp.stop()]);
      await new Promise((done) => http.close(done));
      const left = [sessions.count, bus.subscriptionCount, bus.indexSize];
      if (left.some((count) => count > 0)) throw new Error(`left behind: ${left.join(", ")}`);
    },
  };
}
