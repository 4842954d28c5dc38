import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { CliHost } from "../../src/cli/host.ts";
import { runCommandLine } from "../../src/cli/program.ts";

/** Runs a command line that never gets as far as a connection. */
async function run(...args: string[]): Promise<{ code: number; err: string }> {
  let err = "";
  const output = (take: (text: string) => void) => ({
    write: (data: string | Uint8Array) => take(String(data)),
    isTerminal: false,
    onClosed: () => undefined,
  });
  const host: CliHost = {
    out: output(() => undefined),
    err: output((text) => {
      err += text;
    }),
    input: Readable.from([]),
    env: {},
    exitCode: 0,
    onEndSignal: () => () => undefined,
    onReloadSignal: () => () => undefined,
    onLogLevelSignal: () => () => undefined,
    onDefect: () => () => undefined,
  };
  const code = await runCommandLine(args, host);
  return { code, err };
}

describe("pub", () => {
  test.each([
    { why: "no message", args: ["-t", "x"] },
    { why: "two messages", args: ["-t", "x", "-m", "a", "-n"] },
    { why: "no topic", args: ["-m", "a"] },
    { why: "QoS 3", args: ["-t", "x", "-m", "a", "-q", "3"] },
    { why: "a transport that cannot publish", args: ["-t", "x", "-m", "a", "--via", "sse"] },
    { why: "port 0", args: ["-t", "x", "-m", "a", "-p", "0"] },
  ])("refuses a command line with $why", async ({ args }) => {
    const { code, err } = await run("pub", ...args);
    expect(code).toBe(64);
    expect(err).not.toBe("");
  });
});

describe("sub", () => {
  test("says that MQTT has no cursors", async () => {
    const { code, err } = await run("sub", "-t", "x", "--from", "earliest");
    expect(code).toBe(64);
    expect(err).toContain("MQTT has no cursors");
  });

  test("names an unknown letter of a format", async () => {
    const { code, err } = await run("sub", "-t", "x", "-F", "%z");
    expect(code).toBe(64);
    expect(err).toContain("%z");
  });

  test.each([
    ["-C", "0"],
    ["-W", "-1"],
    ["--via", "http"],
  ])("refuses %s %s", async (...args) => {
    expect(await run("sub", "-t", "x", ...args)).toMatchObject({ code: 64 });
  });
});

describe("simulate", () => {
  test.each([
    ["--mix", "mqtt,sse"],
    ["--sensors", "0"],
    ["--rate-factor", "0"],
    ["--seed", "1.5"],
  ])("refuses %s %s", async (...args) => {
    expect(await run("simulate", ...args)).toMatchObject({ code: 64 });
  });
});

describe("compare", () => {
  test("refuses a plan it cannot run, naming every problem", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tributary-plan-"));
    const file = join(directory, "bad.yaml");
    await writeFile(file, "{name: bad, ratePerSecond: 0, egress: [fax]}");
    const { code, err } = await run("compare", "--plan", file);
    await rm(directory, { recursive: true });
    expect(code).toBe(64);
    expect(err).toContain("ratePerSecond");
    expect(err).toContain("egress.0");
  });

  test("refuses an address that needs a target without one", async () => {
    const { code, err } = await run("compare", "--tcp", "tcp://127.0.0.1:7083");
    expect(code).toBe(64);
    expect(err).toContain("--target");
  });
});
