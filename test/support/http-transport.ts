import { Bus } from "../../src/bus/bus.ts";
import type { Clock } from "../../src/bus/clock.ts";
import type { AccessPolicy, MessageLog } from "../../src/bus/ports.ts";
import { parseConfig } from "../../src/config/load.ts";
import { ALLOW_ANYONE, type Authenticator } from "../../src/security/authenticator.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { type LogWindow, MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../../src/store/memory/retained-store.ts";
import { Activity } from "../../src/telemetry/activity.ts";
import type { Counters } from "../../src/telemetry/counters.ts";
import { Health } from "../../src/telemetry/health.ts";
import { LogLevelSwitch } from "../../src/telemetry/log-level.ts";
import { SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { FlushLoop } from "../../src/transport/flush-loop.ts";
import { HttpTransport } from "../../src/transport/http/http-transport.ts";
import type { HttpOptions } from "../../src/transport/http/options.ts";
import { SessionRegistry } from "../../src/transport/session-registry.ts";
import type { TransportLimits } from "../../src/transport/transport.ts";

/** What a test may set otherwise. */
export interface HttpTestOptions {
  readonly http?: Partial<HttpOptions>;
  readonly limits?: Partial<TransportLimits>;
  readonly queue?: { readonly maxMessages: number; readonly maxBytes: number };
  readonly retained?: { readonly maxMessages: number; readonly maxBytes: number };
  readonly sessions?: { readonly max: number; readonly maxPerAddress: number };
  readonly window?: Partial<LogWindow>;
  readonly epoch?: string;
  readonly clock?: Clock;
  readonly policy?: AccessPolicy;
  readonly authenticator?: Authenticator;
  /** Puts something between the bus and its log. */
  readonly wrapLog?: (log: MessageLog) => MessageLog;
}

/** The HTTP transport alone, over a real bus in memory, on a free loopback port. */
export interface RunningHttp {
  readonly url: string;
  readonly port: number;
  readonly bus: Bus;
  readonly counters: Counters;
  readonly health: Health;
  readonly sessions: SessionRegistry;
  readonly transport: HttpTransport;
  /** Errors that reached the flush loop or a handler as defects. */
  readonly defects: unknown[];
  /** Stops twice, and fails when anything is left behind or went wrong unseen. */
  stop(): Promise<void>;
}

/** Starts the HTTP transport with the default settings and what the test sets otherwise. */
export async function startHttp(options: HttpTestOptions = {}): Promise<RunningHttp> {
  const config = parseConfig({});
  const clock = options.clock ?? { now: () => performance.timeOrigin + performance.now() };
  const window = { ...config.log, ...options.window };
  const memory = new MemoryMessageLog({ epoch: options.epoch ?? "testepoch0", window, clock });
  const telemetry = new Telemetry();
  const { counters } = telemetry;
  const retained = options.retained ?? config.limits.retained;
  const limits = { ...config.limits, ...options.limits };
  const bus = new Bus({
    log: options.wrapLog?.(memory) ?? memory,
    retained: new MemoryRetainedStore(),
    clock,
    policy: options.policy ?? null,
    observer: telemetry,
    limits: {
      maxPayloadBytes: limits.maxPayloadBytes,
      maxRetainedMessages: retained.maxMessages,
      maxRetainedBytes: retained.maxBytes,
      queue: options.queue ?? config.limits.queue,
    },
  });
  const defects: unknown[] = [];
  const logger = {
    ...SILENT_LOGGER,
    error: (message: string, fields: unknown) => defects.push({ message, fields }),
  };
  const sessions = new SessionRegistry(options.sessions ?? config.limits.connections);
  const health = new Health();
  const transport = new HttpTransport(
    {
      bus,
      clock,
      flushLoop: new FlushLoop((error) => defects.push(error)),
      sessions,
      authenticator: options.authenticator ?? ALLOW_ANYONE,
      observer: telemetry,
      logger,
      limits,
    },
    {
      ...config.http,
      tlsListener: null,
      upgradePaths: [config.websocket.path, config.mqtt.websocketPath],
      port: 0,
      version: "0.0.0-test",
      health: () => health,
      metricsText: async () => ({ contentType: "text/plain; version=0.0.4", text: "up 1\n" }),
      documents: new Map(),
      activity: () => new Activity(telemetry).report(),
      state: () => ({
        retainedMessages: bus.retainedCount,
        retainedBytes: 0,
        logMessages: bus.lastOffset - bus.firstOffset + 1,
        logBytes: memory.bytes,
        store: { kind: "memory", ...new MemoryStore(memory).readState() },
      }),
      logLevel: new LogLevelSwitch(logger, { level: "info" }),
      isAdmin: () => true,
      ...options.http,
    },
  );
  const addresses = await transport.start();
  const port = addresses[0]?.port ?? 0;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    bus,
    counters,
    health,
    sessions,
    transport,
    defects,
    async stop() {
      await transport.stop();
      await transport.stop();
      const left = {
        sessions: sessions.count,
        subscriptions: bus.subscriptionCount,
        watched: bus.indexSize,
        defects: defects.length,
      };
      if (Object.values(left).every((count) => count === 0)) return;
      throw new Error(`left behind: ${JSON.stringify(left)} ${defects.map(String).join()}`);
    },
  };
}
