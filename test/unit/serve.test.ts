import { Readable } from "node:stream";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { CliHost, EndSignal } from "../../src/cli/host.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Logger } from "../../src/telemetry/logger.ts";
import type { ListenAddress } from "../../src/transport/transport.ts";

/** Stands in for the gateway: what is tested is who calls it, when, and the exit code. */
const gateway = {
  calls: [] as string[],
  start: async (): Promise<readonly ListenAddress[]> => [],
  drain: async (): Promise<void> => undefined,
};

vi.mock("../../src/gateway.ts", () => ({
  createGateway: (config: Config, _logger: Logger) => ({
    start: () => {
      gateway.calls.push(`start ${config.http.port}`);
      return gateway.start();
    },
    drain: (timeoutMs: number) => {
      gateway.calls.push(`drain ${timeoutMs}`);
      return gateway.drain();
    },
    reload: async () => {
      gateway.calls.push("reload");
    },
    logLevel: {
      toggle: (by: string) => {
        gateway.calls.push(`toggle ${by}`);
      },
    },
    stop: async () => {
      gateway.calls.push("stop");
    },
  }),
}));

const ADDRESS: ListenAddress = {
  transport: "mqtt",
  host: "127.0.0.1",
  port: 1883,
  url: "mqtt://127.0.0.1:1883",
};

const ARGS = ["serve", "--set", "logging.level=silent", "--http-port", "0"];

beforeEach(() => {
  gateway.calls = [];
  gateway.start = async () => [ADDRESS];
  gateway.drain = async () => undefined;
});

class FakeHost implements CliHost {
  readonly env = {};
  exitCode = 0;
  written = "";
  complaints = "";
  readonly out;
  readonly err = {
    write: (text: string) => this.#complain(text),
    isTerminal: false,
    onClosed: () => undefined,
  };
  readonly input = Readable.from([]);
  readonly #signals = new Set<(signal: EndSignal) => void>();
  readonly #reloads = new Set<() => void>();
  readonly #logLevels = new Set<() => void>();
  readonly #defects = new Set<(error: unknown) => void>();

  constructor(isTerminal: boolean) {
    this.out = {
      isTerminal,
      onClosed: () => undefined,
      write: (text: string): void => {
        this.written += text;
      },
    };
  }

  get listeners(): number {
    return this.#signals.size + this.#reloads.size + this.#logLevels.size + this.#defects.size;
  }

  onEndSignal(listener: (signal: EndSignal) => void): () => void {
    this.#signals.add(listener);
    return () => this.#signals.delete(listener);
  }

  onReloadSignal(listener: () => void): () => void {
    this.#reloads.add(listener);
    return () => this.#reloads.delete(listener);
  }

  onLogLevelSignal(listener: () => void): () => void {
    this.#logLevels.add(listener);
    return () => this.#logLevels.delete(listener);
  }

  onDefect(listener: (error: unknown) => void): () => void {
    this.#defects.add(listener);
    return () => this.#defects.delete(listener);
  }

  signal(signal: EndSignal): void {
    for (const listener of this.#signals) listener(signal);
  }

  reload(): void {
    for (const listener of this.#reloads) listener();
  }

  switchLogLevel(): void {
    for (const listener of this.#logLevels) listener();
  }

  defect(error: unknown): void {
    for (const listener of this.#defects) listener(error);
  }

  #complain(text: string): void {
    this.complaints += text;
  }
}

/** Runs `serve` until the gateway has been started. */
async function serve(host: FakeHost): Promise<{ readonly ended: Promise<number> }> {
  const started = new Promise<void>((resolve) => {
    const { start } = gateway;
    gateway.start = () => {
      resolve();
      return start();
    };
  });
  const ended = runCommandLine(ARGS, host);
  await started;
  return { ended };
}

describe("tributary serve", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s drains for the configured time, stops and exits 0",
    async (signal) => {
      const host = new FakeHost(false);
      const { ended } = await serve(host);
      host.signal(signal);
      expect(await ended).toBe(0);
      expect(gateway.calls).toEqual(["start 0", "drain 10000", "stop"]);
      expect(host.listeners).toBe(0);
    },
  );

  test("a second signal stops a drain at once", async () => {
    gateway.drain = () => new Promise<void>(() => undefined);
    const host = new FakeHost(false);
    const { ended } = await serve(host);
    host.signal("SIGTERM");
    host.signal("SIGINT");
    expect(await ended).toBe(130);
    expect(gateway.calls).toEqual(["start 0", "drain 10000", "stop"]);
  });

  test("a signal before the listeners are open ends it once they are", async () => {
    let open: (addresses: readonly ListenAddress[]) => void = () => undefined;
    gateway.start = () => new Promise((resolve) => (open = resolve));
    const host = new FakeHost(false);
    const { ended } = await serve(host);
    host.signal("SIGTERM");
    open([ADDRESS]);
    expect(await ended).toBe(0);
    expect(gateway.calls).toEqual(["start 0", "drain 10000", "stop"]);
  });

  test("a listener that cannot be opened is named, and the exit code is 1", async () => {
    gateway.start = () => Promise.reject(new Error("listen EADDRINUSE 127.0.0.1:1883"));
    const host = new FakeHost(false);
    expect(await runCommandLine(ARGS, host)).toBe(1);
    expect(host.complaints).toBe("tributary: listen EADDRINUSE 127.0.0.1:1883\n");
    expect(gateway.calls).toEqual(["start 0", "stop"]);
    expect(host.listeners).toBe(0);
  });

  test("a defect nobody caught stops it with exit code 70", async () => {
    const host = new FakeHost(false);
    const { ended } = await serve(host);
    host.defect(new Error("a defect"));
    expect(await ended).toBe(70);
    expect(gateway.calls).toEqual(["start 0", "stop"]);
  });

  test("settings that are wrong open nothing and exit 78", async () => {
    const host = new FakeHost(false);
    expect(await runCommandLine(["serve", "--http-port", "x"], host)).toBe(78);
    expect(host.complaints).toContain("http.port (from --http-port)");
    expect(gateway.calls).toEqual([]);
  });

  test("SIGHUP has the files read again, and nothing ends", async () => {
    const host = new FakeHost(false);
    const { ended } = await serve(host);
    host.reload();
    host.signal("SIGTERM");
    expect(await ended).toBe(0);
    expect(gateway.calls).toEqual(["start 0", "reload", "drain 10000", "stop"]);
  });

  test("SIGUSR2 turns debug lines on and off, and nothing ends", async () => {
    const host = new FakeHost(false);
    const { ended } = await serve(host);
    host.switchLogLevel();
    host.signal("SIGTERM");
    expect(await ended).toBe(0);
    expect(gateway.calls).toEqual(["start 0", "toggle SIGUSR2", "drain 10000", "stop"]);
    expect(host.listeners).toBe(0);
  });

  test("SIGHUP is left to the terminal that goes away", async () => {
    const host = new FakeHost(true);
    const { ended } = await serve(host);
    host.reload();
    host.signal("SIGTERM");
    await ended;
    expect(gateway.calls).not.toContain("reload");
  });

  test("a terminal is told the addresses; a program reads log lines only", async () => {
    const terminal = new FakeHost(true);
    const shown = await serve(terminal);
    terminal.signal("SIGTERM");
    await shown.ended;
    expect(terminal.written).toContain("  mqtt  mqtt://127.0.0.1:1883\n");
    const program = new FakeHost(false);
    const logged = await serve(program);
    program.signal("SIGTERM");
    await logged.ended;
    expect(program.written).toBe("");
  });
});
