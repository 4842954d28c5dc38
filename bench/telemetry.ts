/**
 * What telemetry costs a delivered message: the path from the bus to a socket that takes everything,
 * with every counter and histogram on, against the same with none. The two run in processes of their
 * own, window by window in turn, so that a noisy neighbour hits both; a third process, with telemetry
 * off as the first, tells how far two equal processes lie apart. All of it is repeated with new
 * processes, as the compiler's choices differ from one to the next.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { CallsRig } from "./telemetry-calls.ts";
import { DeliveryRig, type TelemetryMode } from "./telemetry-rig.ts";

const WARM_UP_MESSAGES = 1_000_000;
const WINDOW_MESSAGES = 256_000;
const WINDOWS = 16;

/** The bound of the design, in nanoseconds a delivered message. */
const LIMIT_NS = 10;

/** What is measured. */
interface Scenario {
  readonly name: string;
  /** 0: telemetry's calls alone. */
  readonly readers: number;
  /** Messages a turn. */
  readonly batch: number;
  /** More where the processes differ more. */
  readonly rounds: number;
}

/** A read chunk of 64 KiB holds some 448 messages of 128 bytes, a quiet publisher's far fewer. */
const SCENARIOS: readonly Scenario[] = [
  { name: "1 → 1, 64 messages a turn", readers: 1, batch: 64, rounds: 20 },
  { name: "1 → 1, 448 messages a turn", readers: 1, batch: 448, rounds: 12 },
  { name: "1 → 100, 64 messages a turn", readers: 100, batch: 64, rounds: 8 },
  { name: "recording alone, 64 a turn", readers: 0, batch: 64, rounds: 4 },
];

/** The processes of a round: the second is the first again. */
const MODES = ["off", "off", "on"] as const satisfies readonly TelemetryMode[];

/** Of one round: CPU time of the process with telemetry off, and what the other two took more. */
interface Round {
  readonly off: number;
  readonly offAgain: number;
  readonly on: number;
}

async function main(): Promise<void> {
  const [mode, place] = process.argv.slice(2);
  if (mode !== undefined) {
    const scenario = SCENARIOS[Number(place)];
    if (scenario === undefined) throw new Error(`there is no scenario ${place}`);
    await serveWindows(mode === "on" ? "on" : "off", scenario);
    return;
  }
  console.log(`telemetry · Node ${process.version} · ${availableParallelism()} cores`);
  console.log("method: bus to socket, encoding left out; ns of CPU time a delivery; medians of");
  console.log(
    `${WINDOWS} windows, those of the processes in turn; then the median over rounds of new`,
  );
  console.log("processes, [their middle half] and (all of them)\n");
  for (const [index, scenario] of SCENARIOS.entries()) await compare(scenario, index);
}

async function compare({ name, readers, rounds: count }: Scenario, place: number): Promise<void> {
  const rounds: Round[] = [];
  for (let i = 0; i < count; i += 1) rounds.push(await round(place, Math.max(1, readers)));
  console.log(row(`${name}: off`, rounds, ({ off }) => off));
  console.log(row("  off against off", rounds, ({ offAgain }) => offAgain));
  console.log(row("  on against off", rounds, ({ on }) => on));
  const cost = quantile(
    rounds.map(({ on }) => on),
    0.5,
  );
  const verdict = cost <= LIMIT_NS ? "within" : "OVER";
  console.log(`  ${cost.toFixed(1)} ns, ${verdict} the limit of ${LIMIT_NS} ns\n`);
}

async function round(place: number, readers: number): Promise<Round> {
  const file = fileURLToPath(import.meta.url);
  const children = MODES.map((mode) => fork(file, [mode, `${place}`]));
  try {
    for (const child of children) await window(child, WARM_UP_MESSAGES / readers);
    const off: number[] = [];
    const offAgain: number[] = [];
    const on: number[] = [];
    for (let i = 0; i < WINDOWS; i += 1) {
      const taken = [0, 0, 0];
      // Each begins in its turn: what the one before left in the caches favours none.
      for (let turn = 0; turn < children.length; turn += 1) {
        const next = (i + turn) % children.length;
        const child = children[next];
        if (child !== undefined) taken[next] = await window(child, WINDOW_MESSAGES / readers);
      }
      const [first = 0, second = 0, third = 0] = taken;
      off.push(first);
      offAgain.push(second - first);
      on.push(third - (first + second) / 2);
    }
    return { off: quantile(off, 0.5), offAgain: quantile(offAgain, 0.5), on: quantile(on, 0.5) };
  } finally {
    for (const child of children) child.disconnect();
  }
}

/** Has the process deliver so many messages to each reader. Resolves with nanoseconds a delivery. */
async function window(child: ChildProcess, messages: number): Promise<number> {
  child.send(messages);
  const [answer] = await once(child, "message");
  const nanoseconds = Number(answer);
  if (Number.isNaN(nanoseconds)) throw new Error(String(answer));
  return nanoseconds;
}

/** What a child does: runs what its parent asks for, and ends when the parent lets go of it. */
async function serveWindows(mode: TelemetryMode, { readers, batch }: Scenario): Promise<void> {
  const rig = readers === 0 ? new CallsRig(mode, batch) : new DeliveryRig(mode, readers, batch);
  const run = async (messages: number): Promise<void> => {
    const before = process.cpuUsage();
    await rig.run(messages);
    const { user, system } = process.cpuUsage(before);
    rig.check();
    process.send?.(((user + system) * 1_000) / (messages * Math.max(1, readers)));
  };
  process.on("message", (messages) => {
    run(Number(messages)).catch((error: unknown) => process.send?.(String(error)));
  });
  await once(process, "disconnect");
}

function row(name: string, rounds: readonly Round[], of: (round: Round) => number): string {
  const values = rounds.map(of);
  const show = (share: number): string => quantile(values, share).toFixed(1);
  const spread = `[${show(0.25)} – ${show(0.75)}] (${show(0)} – ${show(1)})`;
  return `${name.padEnd(36)}${show(0.5).padStart(7)}  ${spread}`;
}

/** Between two values, the weighted mean of both. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

await main();
