import { parseConfig } from "../../src/config/load.ts";
import { createGateway, type Gateway, type GatewayParts } from "../../src/gateway.ts";
import { type Logger, SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import type { GatewayUrls } from "./contract/client.ts";
import { ENGINE_UNDER_TEST } from "./mqtt-engine.ts";

/** Settings as a config file would nest them, every part optional. */
export interface SettingsTree {
  readonly [name: string]: unknown;
}

/** A gateway on free loopback ports. */
export interface RunningGateway {
  readonly urls: GatewayUrls;
  readonly gateway: Gateway;
  /** Stops twice, as `stop` must be idempotent, and fails when anything is left behind. */
  stop(): Promise<void>;
}

/** Nothing is kept on disk unless the test says where. */
const TEST_SETTINGS = {
  http: { port: 0 },
  mqtt: { port: 0, engine: ENGINE_UNDER_TEST },
  tcp: { port: 0 },
  store: { kind: "memory" },
};

/**
 * Starts the real gateway in this process, its store in memory unless the settings say otherwise. Its
 * parts may be exchanged where they are ports.
 */
export async function startGateway(
  settings: SettingsTree = {},
  parts: GatewayParts = {},
  logger: Logger = SILENT_LOGGER,
): Promise<RunningGateway> {
  const config = parseConfig(merge(TEST_SETTINGS, settings));
  const gateway = createGateway(config, logger, parts);
  const addresses = await gateway.start();
  const portOf = (transport: string) =>
    addresses.find((address) => address.transport === transport)?.port ?? 0;
  return {
    gateway,
    urls: {
      http: `http://127.0.0.1:${portOf("http")}`,
      mqtt: `mqtt://127.0.0.1:${portOf("mqtt")}`,
      tcp: { host: "127.0.0.1", port: portOf("tcp") },
    },
    async stop() {
      await gateway.stop();
      await gateway.stop();
      const left = {
        sessions: gateway.sessions.count,
        subscriptions: gateway.bus.subscriptionCount,
        watched: gateway.bus.indexSize,
      };
      if (Object.values(left).every((count) => count === 0)) return;
      throw new Error(`the gateway left something behind: ${JSON.stringify(left)}`);
    },
  };
}

function merge(base: SettingsTree, over: SettingsTree): SettingsTree {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name];
    merged[name] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is SettingsTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
