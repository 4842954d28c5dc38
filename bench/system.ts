import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Servers that can be put under load. */
export const SYSTEMS = [
  "relay",
  "aedes",
  "mosquitto",
  "nats",
  "plain-http",
  "tributary-aedes",
  "tributary",
  "tributary-memory",
  "tributary-disk",
] as const;

/** Stores that the load generator's process drives itself, without a server. */
export const STORE_SYSTEMS = ["lmdb-puts", "memory-store", "disk-store"] as const;

export type ServerName = (typeof SYSTEMS)[number];
export type StoreName = (typeof STORE_SYSTEMS)[number];
export type SystemName = ServerName | StoreName;

/** How the gateway is started. */
export interface SystemOptions {
  /** Where data directories are made: on the disk that is to be measured. */
  readonly directory: string;
  /** The gateway's engine of MQTT. */
  readonly engine: string;
}

/** Ports of a running server; 0 where it does not speak the protocol. */
export interface Ports {
  readonly mqtt: number;
  readonly http: number;
}

const SERVER_CORE = "0";
export const LOAD_CORE = "1";

/** The kernel's clock ticks a second, in which it counts processor time. */
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;

/** Whether servers and load generators are pinned, each to a core of its own. */
export const isPinned = hasTaskset && spawnSync("taskset", ["-c", "1", "true"]).status === 0;

/** A command pinned to one core, where that is possible. */
export function pinned(core: string, command: string, args: readonly string[]): [string, string[]] {
  return isPinned ? ["taskset", ["-c", core, command, ...args]] : [command, [...args]];
}

/** Whether a system can be run here. */
export function isInstalled(name: SystemName): boolean {
  const command = name === "nats" ? "nats-server" : name;
  if (command !== "mosquitto" && command !== "nats-server") return true;
  return spawnSync(command, ["-h"]).error === undefined;
}

/** Whether the load generator drives it itself. */
export function isStore(name: SystemName): name is StoreName {
  return STORE_SYSTEMS.some((each) => each === name);
}

/** `tmpfs` in `statfs(2)`: its syncs cost nothing, so a figure from there would say nothing. */
const TMPFS = 0x01021994;

/** A directory of its own. Throws where there is no disk under it. */
export function makeDataDirectory(parent: string): string {
  if (statfsSync(parent).type === TMPFS) throw new Error(`${parent} is in memory, not on a disk`);
  return mkdtempSync(join(parent, ".bench-store-"));
}

/** A server under load, in a process of its own. */
export class System {
  readonly ports: Ports;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, ports: Ports, directory: string) {
    this.#child = child;
    this.ports = ports;
    this.#directory = directory;
  }

  static async start(name: ServerName, options: SystemOptions): Promise<System> {
    const directory = makeDataDirectory(options.directory);
    if (name === "mosquitto") {
      const port = await freePort();
      const file = join(directory, "mosquitto.conf");
      const settings = ["allow_anonymous true", "set_tcp_nodelay true", "max_queued_messages 0"];
      writeFileSync(file, [`listener ${port} 127.0.0.1`, ...settings, ""].join("\n"));
      const child = launch("mosquitto", ["-c", file], "stderr");
      await lineMatching(child.stderr, /running/);
      return new System(child, { mqtt: port, http: 0 }, directory);
    }
    if (name === "nats") return System.#startNats(directory);
    if (name === "tributary") return System.#startGateway(directory, "memory", "native");
    if (name === "tributary-aedes") return System.#startGateway(directory, "memory", "aedes");
    if (name === "tributary-memory" || name === "tributary-disk") {
      const kind = name === "tributary-disk" ? "lmdb" : "memory";
      return System.#startGateway(directory, kind, options.engine);
    }
    const script = name === "aedes" ? "bare-aedes" : name;
    const file = fileURLToPath(new URL(`./server/${script}.js`, import.meta.url));
    const child = launch(process.execPath, [file], "stdout");
    const port = Number(await lineMatching(child.stdout, /^\d+$/));
    const isHttp = name === "plain-http";
    return new System(child, { mqtt: isHttp ? 0 : port, http: isHttp ? port : 0 }, directory);
  }

  static async #startNats(directory: string): Promise<System> {
    const port = await freePort();
    const file = join(directory, "nats.conf");
    const settings = [
      `listen: "127.0.0.1:${await freePort()}"`,
      "server_name: bench",
      `jetstream { store_dir: "${directory}" }`,
      `mqtt { host: "127.0.0.1", port: ${port} }`,
    ];
    writeFileSync(file, `${settings.join("\n")}\n`);
    const child = launch("nats-server", ["-c", file], "stderr");
    await lineMatching(child.stderr, /Server is ready/);
    return new System(child, { mqtt: port, http: 0 }, directory);
  }

  static async #startGateway(directory: string, store: string, engine: string): Promise<System> {
    const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
    const listeners = ["http.port=0", "mqtt.port=0", "tcp.port=0"];
    const settings = [...listeners, "logging.level=info", `mqtt.engine=${engine}`];
    const flags = settings.flatMap((each) => ["--set", each]);
    const kept = ["--store", store, "--data-dir", directory];
    const child = launch(process.execPath, [main, "serve", ...kept, ...flags], "stdout");
    const ports = new Map<string, number>();
    await lineMatching(child.stdout, (line) => {
      const found = /"transport":"(\w+)".*"port":(\d+)/.exec(line);
      if (found !== null) ports.set(found[1] ?? "", Number(found[2]));
      return ports.has("http") && ports.has("mqtt") && ports.has("tcp");
    });
    const http = ports.get("http") ?? 0;
    while ((await fetch(`http://127.0.0.1:${http}/readyz`)).status !== 200);
    return new System(child, { mqtt: ports.get("mqtt") ?? 0, http }, directory);
  }

  /** Processor time used so far, microseconds, user and system. */
  cpuMicroseconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8");
    // Fields 14 and 15, counted after the name, which may hold anything, parentheses included.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** `taskset` replaces itself by the command, so the child's id is the server's. */
function launch(command: string, args: readonly string[], watched: "stdout" | "stderr") {
  const [program, all] = pinned(SERVER_CORE, command, args);
  return spawn(program, all, {
    stdio: [
      "ignore",
      watched === "stdout" ? "pipe" : "ignore",
      watched === "stderr" ? "pipe" : "inherit",
    ],
  });
}

async function lineMatching(
  stream: NodeJS.ReadableStream | null,
  wanted: RegExp | ((line: string) => boolean),
): Promise<string> {
  if (stream === null) throw new Error("the server has no output");
  for await (const line of createInterface({ input: stream })) {
    const isWanted = typeof wanted === "function" ? wanted(line) : wanted.test(line);
    if (!isWanted) continue;
    // What it says from now on has no reader; an unread pipe would block it.
    stream.resume();
    return line;
  }
  throw new Error("the server ended before it was ready");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
