import type { SystemName } from "./system.ts";

/** Servers that speak MQTT; the gateway with each of its engines. */
const BROKERS = ["aedes", "mosquitto", "nats", "tributary-aedes", "tributary"] as const;

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
  "mqtt-latency-2000": { unit: "µs", systems: ["relay", ...BROKERS] },
} as const satisfies Record<string, { unit: string; systems: readonly SystemName[] }>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Whether the text names a scenario. */
export function isScenario(text: string): text is ScenarioName {
  return Object.hasOwn(SCENARIOS, text);
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
