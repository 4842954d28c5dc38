import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Targets } from "./driver/driver.ts";
import type { GatewayUnderTest } from "./gateway-under-test.ts";
import { GatewayProbe } from "./gateway-probe.ts";
import type { LedgerFactor, LedgerValue } from "./ledger.ts";

const START_DEADLINE_MS = 15_000;
const READY_INTERVAL_MS = 25;
/** Longer than a drain with nothing connected takes; past it the process is ended the hard way. */
const STOP_DEADLINE_MS = 5_000;
const KEPT_LINES = 20;
/** Any free ones. */
const PORTS = ["http.port=0", "mqtt.port=0", "tcp.port=0"];

/** How a gateway of the run's own is set up. */
export interface GatewaySetup {
  /** Settings as `path=value`, beside those of ports. */
  readonly settings: readonly string[];
  /** What its clients trust, where it listens by TLS; `null`: it listens in the clear. */
  readonly tls: Targets["tls"] | null;
  /** What is known of it by that, for the ledger. */
  readonly facts: Facts;
}

type Facts = Readonly<Partial<Record<LedgerFactor, LedgerValue>>>;

/** A gateway under test in a process of its own, on free loopback ports. */
export class GatewayProcess implements GatewayUnderTest {
  readonly targets: Targets;
  readonly facts: Facts;
  readonly probe: GatewayProbe;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, targets: Targets, facts: Facts) {
    this.#child = child;
    this.targets = targets;
    this.facts = facts;
    this.probe = new GatewayProbe(targets, child.pid ?? null);
  }

  /** Resolves when the gateway is ready. Rejects with its last lines when it does not become so. */
  static async start({ settings, tls, facts }: GatewaySetup): Promise<GatewayProcess> {
    const main = fileURLToPath(new URL("../main.js", import.meta.url));
    const flags = [...PORTS, ...settings].flatMap((each) => ["--set", each]);
    const child = spawn(process.execPath, [main, "serve", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const listeners = new Listeners(child);
    try {
      const targets = await ready(child, listeners, tls);
      const { version, store } = listeners.starting;
      const said = { gatewayIsOwn: true, gatewayVersion: version, store };
      return new GatewayProcess(child, targets, { ...facts, ...said });
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

  /** Ends it as a crash does: nothing is flushed, and nobody is told. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}

/** What the gateway's log says of its listeners. */
class Listeners {
  readonly #urls = new Map<string, string>();
  readonly #lines: string[] = [];
  /** What it said of itself when it began. */
  starting = { version: "unknown", store: "unknown" };

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => this.#take(line));
    }
  }

  /** By the scheme of the address. */
  url(scheme: string): string | null {
    return this.#urls.get(`${scheme}:`) ?? null;
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
    if (entry.msg === "starting" && "version" in entry && "store" in entry) {
      this.starting = { version: String(entry.version), store: String(entry.store) };
    }
    if (entry.msg !== "listening" || !("transport" in entry) || !("url" in entry)) return;
    const url = String(entry.url);
    this.#urls.set(new URL(url).protocol, url);
  }
}

async function ready(
  child: ChildProcess,
  listeners: Listeners,
  tls: Targets["tls"] | null,
): Promise<Targets> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const httpUrl = listeners.url("http");
    // A refused connection means "not ready yet": asked again until the deadline.
    const answer = httpUrl === null ? null : await fetch(`${httpUrl}/readyz`).catch(() => null);
    // Every listener has said where it is by the time the whole is ready.
    if (httpUrl !== null && answer?.status === 200) return targetsOf(listeners, tls);
    await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MS));
  }
  throw new Error(
    child.exitCode === null ? "the deadline passed" : `it exited with ${child.exitCode}`,
  );
}

function targetsOf(listeners: Listeners, tls: Targets["tls"] | null): Targets {
  const [http, mqtt, tcp] = tls === null ? ["http", "mqtt", "tcp"] : ["https", "mqtts", "tls"];
  const httpUrl = listeners.url(http ?? "") ?? "";
  const websocketBase = httpUrl.replace(/^http/, "ws");
  return {
    httpUrl,
    websocketUrl: `${websocketBase}/ws`,
    mqttWebsocketUrl: `${websocketBase}/mqtt`,
    mqttUrl: listeners.url(mqtt ?? "") ?? "",
    tcpUrl: listeners.url(tcp ?? ""),
    tls: tls ?? {},
  };
}
