import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Outcome, SCENARIOS, type ScenarioName, scenariosOf } from "./scenario.ts";
import {
  isInstalled,
  isPinned,
  isStore,
  LOAD_CORE,
  makeDataDirectory,
  type Ports,
  pinned,
  System,
  type SystemName,
} from "./system.ts";

/** All runs of one system in one scenario. */
interface Figures {
  readonly scenario: ScenarioName;
  readonly system: SystemName;
  readonly outcomes: Outcome[];
}

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    "warm-up": { type: "string", default: "3" },
    only: { type: "string", default: Object.keys(SCENARIOS).join(",") },
    engine: { type: "string", default: "aedes" },
    directory: { type: "string", default: "." },
  },
});

const LOAD = fileURLToPath(new URL("./load/main.js", import.meta.url));
const scenarios = options.only.split(",").flatMap(scenariosOf);

const method = [
  `Median (least–most) of ${options.runs} alternating runs, ${options.seconds} s each after ${options["warm-up"]} s of warm-up, a fresh server for each.`,
  `128-byte payloads, QoS 0, loopback, no-delay. Load generators: raw sockets, bytes built once, one process${isPinned ? ", server on core 0, load on core 1" : ", nothing pinned"}.`,
  `Durable scenarios: QoS 1, data on ${resolve(options.directory)}, engine ${options.engine}; CPU of all threads, an acknowledged message.`,
  "At most 8,192 messages are on their way, so no queue overflows. CPU is the server's, a delivery.",
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, load average ${(loadavg()[0] ?? 0).toFixed(1)} at the start.`,
];
process.stdout.write(`${method.join("\n")}\n\n`);

const all: Figures[] = [];
for (const scenario of scenarios) all.push(...(await measure(scenario)));
const directory = fileURLToPath(new URL("../../bench-results/", import.meta.url));
await mkdir(directory, { recursive: true });
const file = `${directory}${new Date().toISOString().replaceAll(":", "-")}.json`;
await writeFile(file, `${JSON.stringify({ method, figures: all }, null, 2)}\n`);
process.stdout.write(`\n${file}\n`);

/** Runs every system in turn, over and over, so that a slow minute of the machine hits all alike. */
async function measure(scenario: ScenarioName): Promise<Figures[]> {
  const figures: Figures[] = SCENARIOS[scenario].systems
    .filter(isInstalled)
    .map((system) => ({ scenario, system, outcomes: [] }));
  for (let run = 0; run < Number(options.runs); run += 1) {
    for (const { system, outcomes } of figures) outcomes.push(await runOnce(scenario, system));
  }
  process.stdout.write(`${scenario} (${SCENARIOS[scenario].unit})\n`);
  const own = figures.at(-1);
  for (const each of figures) process.stdout.write(`  ${describe(each, own)}\n`);
  return figures;
}

async function runOnce(scenario: ScenarioName, name: SystemName): Promise<Outcome> {
  if (isStore(name)) return runStore(scenario, name);
  const system = await System.start(name, options);
  try {
    const [program, args] = pinned(LOAD_CORE, process.execPath, loadArgs(scenario, system.ports));
    return await load(scenario, [program, args], () => system.cpuMicroseconds());
  } finally {
    await system.stop();
  }
}

/** The process that drives a store is the store's own: it says itself what it used. */
async function runStore(scenario: ScenarioName, name: SystemName): Promise<Outcome> {
  const directory = makeDataDirectory(options.directory);
  try {
    const args = [...loadArgs(scenario, { mqtt: 0, http: 0 }), name, directory];
    return await load(scenario, [process.execPath, args], () => 0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function loadArgs(scenario: ScenarioName, { mqtt, http }: Ports): string[] {
  return [LOAD, scenario, String(mqtt), String(http), options["warm-up"], options.seconds];
}

async function load(
  scenario: ScenarioName,
  [program, args]: [string, string[]],
  cpuMicroseconds: () => number,
): Promise<Outcome> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let cpuBefore = 0;
  let result: unknown = null;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "measuring") cpuBefore = cpuMicroseconds();
    else result = JSON.parse(line);
  }
  const cpuUsed = cpuMicroseconds() - cpuBefore;
  const [code]: unknown[] = await exited;
  if (code !== 0 || typeof result !== "object" || result === null) {
    throw new Error(`the load of ${scenario} failed`);
  }
  const numbers = new Map(Object.entries(result).map(([key, value]) => [key, Number(value)]));
  const number = (key: string): number => numbers.get(key) ?? Number.NaN;
  if (numbers.has("p50")) return { is: "latency", p50: number("p50"), p99: number("p99") };
  const count = number("count");
  return {
    is: "throughput",
    perSecond: count / number("seconds"),
    cpuMicroseconds: (numbers.get("cpuMicroseconds") ?? cpuUsed) / count,
  };
}

function describe({ system, outcomes }: Figures, own: Figures | undefined): string {
  const name = system.padEnd(16);
  if (outcomes[0]?.is === "latency") {
    const p50 = outcomes.map((each) => (each.is === "latency" ? each.p50 : Number.NaN));
    const p99 = outcomes.map((each) => (each.is === "latency" ? each.p99 : Number.NaN));
    return `${name} p50 ${spread(p50, 1)}  p99 ${spread(p99, 1)}`;
  }
  const rates = throughputs(outcomes);
  const cpu = outcomes.map((each) =>
    each.is === "throughput" ? each.cpuMicroseconds : Number.NaN,
  );
  const ratio = own === undefined ? 1 : median(throughputs(own.outcomes)) / median(rates);
  const compared =
    own === undefined || system === own.system ? "" : `  ${own.system} is ${ratio.toFixed(2)} ×`;
  return `${name} ${spread(rates, 0)}  CPU ${spread(cpu, 2)} µs${compared}`;
}

function throughputs(outcomes: readonly Outcome[]): number[] {
  return outcomes.map((each) => (each.is === "throughput" ? each.perSecond : Number.NaN));
}

function spread(values: readonly number[], decimals: number): string {
  const show = (value: number) =>
    value.toLocaleString("en", {
      maximumFractionDigits: decimals,
      minimumFractionDigits: decimals,
    });
  return `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
