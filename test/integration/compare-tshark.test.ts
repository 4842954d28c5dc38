import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EgressName, IngressName } from "../../src/compare/plan.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { exchangeThroughTaps, targetsOf } from "../support/tapped-exchange.ts";
import { requireTool } from "../support/tools.ts";

const MESSAGES = 5;

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.stop());

/** What tshark sees of one listener: the bytes that TCP carries. */
class Capture {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #clients = new Set<number>();
  #onClient: () => void = () => undefined;
  up = 0;
  down = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => this.#take(line));
    }
  }

  static async start(port: number): Promise<Capture> {
    const what = ["-i", "lo", "-f", `tcp port ${port}`, "-l", "-n"];
    const fields = ["-T", "fields", "-e", "tcp.srcport", "-e", "tcp.len"];
    const child = spawn("tshark", [...what, ...fields], { stdio: ["ignore", "pipe", "pipe"] });
    const capture = new Capture(child, port);
    for await (const chunk of child.stderr ?? []) {
      if (String(chunk).includes("Capturing on")) break;
    }
    // What it shows of a connection made now, it shows of all that come after.
    await capture.mark();
    return capture;
  }

  /** Resolves once it has shown everything up to now: it shows a connection that is made now. */
  async mark(): Promise<void> {
    for (;;) {
      const socket = connect(this.#port, "127.0.0.1");
      await once(socket, "connect");
      const port = socket.localPort ?? 0;
      const seen = new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), 1_000);
        this.#onClient = () => {
          if (!this.#clients.has(port)) return;
          clearTimeout(timer);
          resolve(true);
        };
        this.#onClient();
      });
      socket.destroy();
      if (await seen) return;
    }
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }

  #take(line: string): void {
    const [source, length] = line.split("\t").map(Number);
    if (source === undefined || length === undefined) return;
    if (source === this.#port) this.down += length;
    else {
      this.up += length;
      this.#clients.add(source);
    }
    this.#onClient();
  }
}

const PAIRS: readonly (readonly [IngressName, EgressName, "mqtt" | "http"])[] = [
  ["mqtt-qos1", "mqtt", "mqtt"],
  ["mqtt-ws", "websocket-binary", "http"],
  ["websocket", "mqtt-ws", "http"],
  ["http", "sse", "http"],
];

test.skipIf(requireTool("tshark")).each(PAIRS)(
  "%s to %s: tshark counts the same bytes at the socket, both ways",
  async (ingress, egress, listener) => {
    const port = Number(new URL(gateway.urls[listener]).port);
    const capture = await Capture.start(port);
    try {
      let counts = { up: 0, down: 0 };
      await exchangeThroughTaps(targetsOf(gateway), {
        ingress,
        egress,
        payloadBytes: 200,
        messages: MESSAGES,
        onClosed: async (whole) => {
          await expect.poll(() => gateway.gateway.sessions.count).toBe(0);
          await capture.mark();
          const [one, other] = whole();
          counts = {
            up: (one?.up ?? 0) + (other?.up ?? 0),
            down: (one?.down ?? 0) + (other?.down ?? 0),
          };
        },
      });
      expect({ up: capture.up, down: capture.down }).toEqual(counts);
      expect(counts.up).toBeGreaterThan(MESSAGES * 200);
      expect(counts.down).toBeGreaterThan(MESSAGES * 200);
    } finally {
      await capture.stop();
    }
  },
);
