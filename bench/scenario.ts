import type { SystemName } from "./system.ts";

/** Servers that speak MQTT; the gateway with each of its engines. */
const BROKERS = ["aedes", "mosquitto", "nats", "tributary-aedes", "tributary"] as const;

/** The gateway on the store in memory beside itself on the disk. */
const STORES = ["tributary-memory", "tributary-disk"] as const;

/** The port of the store without a gateway: one bare put of lmdb a message, memory, and the disk store. */
const STORE_PORTS = ["lmdb-puts", "memory-store", "disk-store"] as const;

/** What a load does. */
export const SCENARIOS = {
  "mqtt-1-1": { unit: "messages/s", systems: ["relay", ...BROKERS] },
  "mqtt-1-100": { unit: "deliveries/s", systems: ["relay", ...BROKERS] },
  "mqtt-qos1-1-1": { unit: "messages/s", systems: BROKERS },
  "mqtt-wildcards-100-100": { unit: "deliveries/s", systems: BROKERS },
  "http-post-64": { unit: "requests/s", systems: ["plain-http", "tributary"] },
  "mqtt-websocket-1-50": { unit: "deliveries/s", systems: ["tributary"] },
  "http-websocket-1-50": { unit: "deliveries/s", systems: ["tributary"] },
  "long-poll-1-100": { unit: "deliveries/s", systems: ["tributary"] },
  "durable-mqtt-64": { unit: "acknowledged/s", systems: STORES },
  "durable-mqtt-512": { unit: "acknowledged/s", systems: STORES },
  "durable-http-64": { unit: "requests/s", systems: ["plain-http", ...STORES] },
  "durable-store-1024": { unit: "accepted/s", systems: STORE_PORTS },
  "mqtt-latency-2000": { unit: "µs", systems: ["relay", ...BROKERS] },
} as const satisfies Record<string, { unit: string; systems: readonly SystemName[] }>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Whether the text names a scenario. */
export function isScenario(text: string): text is ScenarioName {
  return Object.hasOwn(SCENARIOS, text);
}

/** The scenarios that a name, or what several names begin with, stands for. */
export function scenariosOf(text: string): ScenarioName[] {
  if (isScenario(text)) return [text];
  const found = Object.keys(SCENARIOS)
    .filter(isScenario)
    .filter((each) => each.startsWith(text));
  if (found.length > 0) return found;
  throw new Error(`no scenario ${text}; known are ${Object.keys(SCENARIOS).join(", ")}`);
}

/** What one run of one scenario on one system found. */
export type Outcome =
  | {
      readonly is: "throughput";
      readonly perSecond: number;
      /** Server's processor time for each delivery or request, microseconds. */
      readonly cpuMicroseconds: number;
    }
  | { readonly is: "latency"; readonly p50: number; readonly p99: number };
