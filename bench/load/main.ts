import { isScenario, type ScenarioName } from "../scenario.ts";
import type { Ports } from "../system.ts";
import { mqttLatency } from "./latency.ts";
import { longPollFanOut } from "./long-poll.ts";
import { mqttAcknowledged, mqttWildcards } from "./mqtt-flows.ts";
import { mqttPublishers } from "./mqtt-publishers.ts";
import { storePort } from "./store-port.ts";
import { httpPosts, type Load, mqttFanOut, toWebSocket } from "./throughput.ts";

/**
 * The load generator's process: `scenario mqttPort httpPort warmUpSeconds seconds [store directory]`. Prints `measuring`
 * when the warm-up is over and one line of JSON at the end, in between `measuring` and which the server's
 * processor time is taken.
 */
const [
  scenario = "",
  mqtt = "0",
  http = "0",
  warmUp = "1",
  seconds = "3",
  store = "",
  directory = ".",
] = process.argv.slice(2);
if (!isScenario(scenario)) throw new Error(`no scenario ${scenario}`);
await run(scenario, { mqtt: Number(mqtt), http: Number(http) });
process.exit(0);

async function run(name: ScenarioName, ports: Ports): Promise<void> {
  if (name === "mqtt-latency-2000") {
    say(await mqttLatency(ports, Number(seconds)));
    return;
  }
  const load = await start(name, ports);
  await wait(Number(warmUp));
  const before = load.delivered();
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  process.stdout.write("measuring\n");
  await wait(Number(seconds));
  const count = load.delivered() - before;
  const measured = { count, seconds: (performance.now() - startedAt) / 1_000 };
  const { user, system } = process.cpuUsage(cpu);
  say(load.store === undefined ? measured : { ...measured, cpuMicroseconds: user + system });
  await load.store?.stop();
}

function start(name: Exclude<ScenarioName, "mqtt-latency-2000">, ports: Ports): Promise<Load> {
  switch (name) {
    case "mqtt-1-1":
      return mqttFanOut(ports, 1);
    case "mqtt-1-100":
      return mqttFanOut(ports, 100);
    case "mqtt-qos1-1-1":
      return mqttAcknowledged(ports);
    case "mqtt-wildcards-100-100":
      return mqttWildcards(ports);
    case "http-post-64":
      return httpPosts(ports);
    case "mqtt-websocket-1-50":
      return toWebSocket(ports, "mqtt", 50);
    case "http-websocket-1-50":
      return toWebSocket(ports, "http", 50);
    case "durable-mqtt-64":
      return mqttPublishers(ports, 64);
    case "durable-mqtt-512":
      return mqttPublishers(ports, 512);
    case "durable-http-64":
      return httpPosts(ports);
    case "durable-store-1024":
      return storePort(store, directory, 1_024);
    case "long-poll-1-100":
      return longPollFanOut(ports, 100);
  }
}

function say(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function wait(forSeconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forSeconds * 1_000));
}
