import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DEADLINE_MS = 30_000;

/** One series of an answer to a query: its labels, and its value now. */
export interface PromResult {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Debian's own Prometheus, on a free port of the loopback interface, with its data in a folder of its own. */
export class PrometheusServer {
  readonly #url: string;
  readonly #end: () => Promise<void>;

  private constructor(url: string, end: () => Promise<void>) {
    this.#url = url;
    this.#end = end;
  }

  /** Starts it; it scrapes the target (host and port) ten times a second. */
  static async start(target: string): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), "tributary-prometheus-"));
    const settings = [
      "global: { scrape_interval: 100ms, scrape_timeout: 100ms }",
      "scrape_configs:",
      "  - job_name: tributary",
      `    static_configs: [{ targets: ["${target}"] }]`,
    ];
    writeFileSync(join(folder, "prometheus.yml"), `${settings.join("\n")}\n`);
    const port = await freePort();
    const child = spawn(
      "prometheus",
      [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: "ignore" },
    );
    const ended = once(child, "exit");
    const server = new PrometheusServer(`http://127.0.0.1:${port}`, async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    });
    await until("prometheus is ready", () => server.#isReady());
    return server;
  }

  /** What a PromQL expression gives now. */
  async query(expression: string): Promise<PromResult[]> {
    const url = `${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer: unknown = await (await fetch(url)).json();
    const { data, error } = answer as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
      error?: string;
    };
    if (data === undefined) throw new Error(`${expression}: ${error}`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Asks again until the answer is as wanted: what is scraped next may have it. */
  async when(
    expression: string,
    isWanted: (results: readonly PromResult[]) => boolean,
  ): Promise<PromResult[]> {
    let results: PromResult[] = [];
    await until(`${expression} is as wanted`, async () => {
      results = await this.query(expression);
      return isWanted(results);
    });
    return results;
  }

  stop(): Promise<void> {
    return this.#end();
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/-/ready`)).status === 200;
    } catch {
      // It does not listen yet.
      return false;
    }
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
  }
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
