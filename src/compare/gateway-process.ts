import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Targets } from "./driver/driver.ts";

const START_DEADLINE_MS = 15_000;
const READY_INTERVAL_MS = 25;
/** Longer than a drain with nothing connected takes; past it the process is ended the hard way. */
const STOP_DEADLINE_MS = 5_000;
const KEPT_LINES = 20;

/** A gateway under test in a process of its own, on free loopback ports. */
export class GatewayProcess {
  readonly targets: Targets;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, targets: Targets) {
    this.#child = child;
    this.targets = targets;
  }

  /** Resolves when the gateway is ready. Rejects with its last lines when it does not become so. */
  static async start(): Promise<GatewayProcess> {
    const main = fileURLToPath(new URL("../main.js", import.meta.url));
    const settings = ["http.port=0", "mqtt.port=0", "tcp.port=0"].flatMap((each) => [
      "--set",
      each,
    ]);
    // In memory: what is compared is transports, and nothing of it is worth a directory. A gateway
    // with its disk is measured by naming it as the target.
    const child = spawn(process.execPath, [main, "serve", "--store", "memory", ...settings], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const listeners = new Listeners(child);
    try {
      return new GatewayProcess(child, await ready(child, listeners));
    } catch (cause) {
      child.kill("SIGKILL");
      throw new Error(`the gateway did not become ready:\n${listeners.lastLines()}`, { cause });
    }
  }

  /** Lets it drain; ends it by force when that takes too long. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** What the gateway's log says of its listeners. */
class Listeners {
  readonly #urls = new Map<string, string>();
  readonly #lines: string[] = [];

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => this.#take(line));
    }
  }

  url(transport: string): string | null {
    return this.#urls.get(transport) ?? null;
  }

  lastLines(): string {
    return this.#lines.join("\n");
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    if (!line.startsWith("{")) return;
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null || !("msg" in entry)) return;
    if (entry.msg !== "listening" || !("transport" in entry) || !("url" in entry)) return;
    this.#urls.set(String(entry.transport), String(entry.url));
  }
}

async function ready(child: ChildProcess, listeners: Listeners): Promise<Targets> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const httpUrl = listeners.url("http");
    // A refused connection means "not ready yet": asked again until the deadline.
    const answer = httpUrl === null ? null : await fetch(`${httpUrl}/readyz`).catch(() => null);
    // Every listener has said where it is by the time the whole is ready.
    if (httpUrl !== null && answer?.status === 200) return targetsOf(httpUrl, listeners);
    await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MS));
  }
  throw new Error(
    child.exitCode === null ? "the deadline passed" : `it exited with ${child.exitCode}`,
  );
}

function targetsOf(httpUrl: string, listeners: Listeners): Targets {
  const websocketBase = httpUrl.replace(/^http/, "ws");
  return {
    httpUrl,
    websocketUrl: `${websocketBase}/ws`,
    mqttWebsocketUrl: `${websocketBase}/mqtt`,
    mqttUrl: listeners.url("mqtt") ?? "mqtt://127.0.0.1:1883",
    tcpUrl: listeners.url("tcp"),
    tls: {},
  };
}
