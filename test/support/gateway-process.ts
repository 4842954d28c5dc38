import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { GatewayUrls } from "./contract/client.ts";
import { checkedFetch } from "./documents/checked-fetch.ts";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const START_DEADLINE_MS = 15_000;

interface ListeningLine {
  readonly msg?: string;
  readonly url?: string;
  readonly port?: number;
}

/** How the process is run, where that is not as users do. */
export interface Launch {
  /** Another build than this tree's: the path of its `main.js`. */
  readonly main?: string;
  /** A program that becomes the gateway, or runs it in its own place: limits, tracers, namespaces. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `tributary serve` as users run it: the built program in a process of its own. */
export class GatewayProcess {
  readonly #child: ChildProcess;
  /** By the scheme of the listener's address. */
  readonly #ports = new Map<string, number>();
  readonly lines: string[] = [];
  /** Resolves when the process and whoever shares its output, such as a tracer, have ended. */
  readonly closed: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.closed = once(child, "close");
    const keep = (line: string) => this.#keep(line);
    if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", keep);
    if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", keep);
  }

  /** @param options further ones of the command line. */
  static async start(
    settings: readonly string[] = [],
    options: readonly string[] = [],
    launch: Launch = {},
  ): Promise<GatewayProcess> {
    const running = GatewayProcess.spawn(settings, options, launch);
    await running.awaitReady();
    return running;
  }

  /**
   * Starts the process and leaves it at that: it may never become ready. Without `--data-dir` or
   * `--store` its directory is a new one that goes when the process ends.
   */
  static spawn(
    settings: readonly string[] = [],
    options: readonly string[] = [],
    { main = MAIN, wrap = [], env = {} }: Launch = {},
  ): GatewayProcess {
    const ports = ["http.port=0", "mqtt.port=0", "tcp.port=0"];
    const flags = [...ports, ...settings].flatMap((setting) => ["--set", setting]);
    const hasDirectory = options.includes("--data-dir") || options.includes("--store");
    const ownDirectory = hasDirectory ? null : mkdtempSync(join(tmpdir(), "tributary-gateway-"));
    const place = ownDirectory === null ? [] : ["--data-dir", ownDirectory];
    const command = [...wrap, process.execPath, main, "serve", ...flags, ...place, ...options];
    const child = spawn(command[0] ?? "", command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    if (ownDirectory !== null) {
      child.once("exit", () => rmSync(ownDirectory, { recursive: true, force: true }));
    }
    return new GatewayProcess(child);
  }

  get urls(): GatewayUrls {
    return {
      http: `http://127.0.0.1:${this.port("http")}`,
      mqtt: `mqtt://127.0.0.1:${this.port("mqtt")}`,
      tcp: { host: "127.0.0.1", port: this.port("tcp") },
    };
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("the process did not start");
    return pid;
  }

  /** Resident memory in bytes, as the kernel counts it. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit code, or the name of the signal that ended the process. */
  async exit(): Promise<number | string> {
    if (!this.#hasExited) await once(this.#child, "exit");
    return this.#child.exitCode ?? this.#child.signalCode ?? "unknown";
  }

  async stop(): Promise<void> {
    this.signal("SIGKILL");
    await this.exit();
  }

  async metric(series: string): Promise<number> {
    const response = await checkedFetch(`${this.urls.http}/metrics`);
    const line = (await response.text()).split("\n").find((each) => each.startsWith(series));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ") + 1));
  }

  /** Resolves when `/readyz` is 200; rejects when the process ends before, or takes too long. */
  async awaitReady(): Promise<void> {
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!(await this.#isReady())) {
      if (this.#hasExited || performance.now() > deadline) {
        this.#child.kill("SIGKILL");
        throw new Error(`the gateway did not become ready:\n${this.lines.join("\n")}`);
      }
    }
  }

  get #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (!line.startsWith("{")) return;
    const entry = JSON.parse(line) as ListeningLine;
    if (entry.msg !== "listening") return;
    this.#ports.set(entry.url?.split(":", 1)[0] ?? "", entry.port ?? 0);
  }

  async #isReady(): Promise<boolean> {
    if (this.#hasExited) return false;
    if (!this.#ports.has("http")) {
      await Promise.race([
        once(this.#child, "exit"),
        once(this.#child.stdout ?? this.#child, "data"),
      ]);
      return false;
    }
    const response = await fetch(`http://127.0.0.1:${this.port("http")}/readyz`).catch(() => null);
    return response?.status === 200;
  }

  /** The port of the listener whose address has this scheme; 0 when there is none. */
  port(scheme: string): number {
    return this.#ports.get(scheme) ?? 0;
  }
}
