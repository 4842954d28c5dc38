/**
 * What telemetry costs a delivered message: the path from the bus to a socket that takes everything,
 * with every counter and histogram on, against the same with none. Each figure comes from several
 * processes, as the compiler's choices differ from one to the next.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { DeliveryRig, type TelemetryMode } from "./telemetry-rig.ts";

const PROCESSES = 9;
const WARM_UP_MESSAGES = 1_000_000;
const WINDOW_MESSAGES = 1_000_000;
const WINDOWS = 7;

/** The bound of the design, in nanoseconds a delivered message. */
const LIMIT_NS = 10;

const READERS = [1, 100] as const;
const MODES = ["off", "on"] as const satisfies readonly TelemetryMode[];

async function main(): Promise<void> {
  const [mode, readers] = process.argv.slice(2);
  if (mode !== undefined) {
    console.log(await measure(mode === "on" ? "on" : "off", Number(readers)));
    return;
  }
  console.log(`telemetry · Node ${process.version} · ${availableParallelism()} cores`);
  console.log(
    `method: bus to socket, encoding left out, 64 messages a turn; ${PROCESSES} processes each, in turn,`,
  );
  console.log(
    `the best of ${WINDOWS} windows in each; medians [lowest – highest], ns of CPU time a delivery\n`,
  );
  for (const readers of READERS) compare(readers);
}

function compare(readers: number): void {
  const found: Record<TelemetryMode, number[]> = { off: [], on: [] };
  for (let i = 0; i < PROCESSES; i += 1) {
    for (const mode of MODES) found[mode].push(runChild(mode, readers));
  }
  for (const mode of MODES) console.log(row(`1 → ${readers}, telemetry ${mode}`, found[mode]));
  const cost = median(found.on) - median(found.off);
  const verdict = cost <= LIMIT_NS ? "within" : "OVER";
  console.log(`  difference ${cost.toFixed(1)} ns, ${verdict} the limit of ${LIMIT_NS} ns\n`);
}

/** Nanoseconds of CPU time a delivered message. */
async function measure(mode: TelemetryMode, readers: number): Promise<number> {
  const rig = new DeliveryRig(mode, readers);
  await rig.run(WARM_UP_MESSAGES / readers);
  let best = Number.POSITIVE_INFINITY;
  for (let window = 0; window < WINDOWS; window += 1) {
    const before = process.cpuUsage();
    await rig.run(WINDOW_MESSAGES / readers);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1_000) / WINDOW_MESSAGES);
  }
  rig.check();
  return best;
}

function runChild(mode: TelemetryMode, readers: number): number {
  const file = fileURLToPath(import.meta.url);
  return Number(execFileSync(process.execPath, [file, mode, `${readers}`], { encoding: "utf8" }));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function row(name: string, values: readonly number[]): string {
  const show = (value: number): string => value.toFixed(1).padStart(7);
  const range = `[${show(Math.min(...values))} – ${show(Math.max(...values))} ]`;
  return `${name.padEnd(28)}${show(median(values))}  ${range}`;
}

await main();
