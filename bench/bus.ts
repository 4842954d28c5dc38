/**
 * Micro benchmark of the bus alone: no socket, memory stores, every duty of the bus on. Each figure
 * comes from several processes, because the compiler's choices differ from one to the next.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { SCENARIOS } from "./bus-scenarios.ts";

const PROCESSES = 7;

function main(): void {
  const name = process.argv[2];
  const scenario = name === undefined ? undefined : SCENARIOS[name];
  if (scenario !== undefined) {
    process.stdout.write(`${scenario()}\n`);
    return;
  }
  const chosen = Object.keys(SCENARIOS);
  console.log(`bus, memory store · Node ${process.version} · ${availableParallelism()} cores`);
  console.log(
    `method: ${PROCESSES} processes a scenario, in turn; each warms up, then takes its best of 5 windows;`,
  );
  console.log("median [lowest – highest] over the processes, in ns of CPU time\n");
  const results = new Map<string, number[]>(chosen.map((each) => [each, []]));
  for (let i = 0; i < PROCESSES; i += 1) {
    for (const [each, found] of results) found.push(runChild(each));
  }
  for (const [each, found] of results) console.log(row(each, found));
}

function runChild(name: string): number {
  const file = fileURLToPath(import.meta.url);
  return Number(execFileSync(process.execPath, [file, name], { encoding: "utf8" }));
}

function row(name: string, found: readonly number[]): string {
  const sorted = [...found].sort((a, b) => a - b);
  const show = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1).padStart(7);
  const median = sorted[Math.floor(sorted.length / 2)];
  return `${name.padEnd(58)}${show(median)}  [${show(sorted[0])} – ${show(sorted.at(-1))} ]`;
}

main();
