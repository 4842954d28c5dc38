import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ComparisonResult } from "../../src/compare/comparison-result.ts";
import { parseComparison } from "../../src/compare/comparison-schema.ts";
import { EGRESS_NAMES, INGRESS_NAMES } from "../../src/compare/plan.ts";
import { closedPort } from "../support/closed-port.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { runTributary } from "../support/tributary.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-compare-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** A plan of a few seconds. Its bounds are wide: the tests share their processors with others. */
async function planFile(
  name: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const file = join(directory, `${name}.yaml`);
  const plan = {
    name,
    ingress: INGRESS_NAMES,
    egress: EGRESS_NAMES,
    ratePerSecond: 20,
    payloadBytes: 100,
    // Too short to be judged: whether latency settles is for quiet machines to say.
    warmUpSeconds: 0.1,
    windowSeconds: 0.2,
    blocks: 12,
    settleSeconds: 10,
    costSeconds: 0,
    plainPollIntervalMs: 50,
    validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000, maxGatewayLoopDelayMs: 5_000 },
    ...changes,
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(plan));
  return file;
}

async function readReport(out: string): Promise<ComparisonResult> {
  return parseComparison(JSON.parse(await readFile(join(out, "report.json"), "utf8")));
}

test("measures every pair against a gateway of its own, with nothing lost, repeated or reordered", async () => {
  const out = join(directory, "own");
  const plan = await planFile("all");
  const run = await runTributary(["compare", "--plan", plan, "--out", out]);
  expect(run).toMatchObject({ code: 0 });
  expect(run.out).toMatch(
    /^Published by mqtt-qos0 at 20\/s with 100-byte payloads over loopback, /,
  );
  expect(run.out).toMatch(/95 % interval/);
  expect(run.out).toContain("Nothing was lost, repeated or out of order.");
  expect(await readFile(join(out, "report.html"), "utf8")).toContain("<h2");
  const [point] = (await readReport(out)).points;
  expect(point).toMatchObject({ verdict: "valid" });
  expect(point?.pairs).toHaveLength(INGRESS_NAMES.length * EGRESS_NAMES.length);
  for (const pair of point?.pairs ?? []) {
    expect(pair).toMatchObject({
      expected: 48,
      received: 48,
      lost: 0,
      duplicates: 0,
      reordered: 0,
    });
    expect(pair.latency.quantiles.p50).toBeGreaterThan(10_000);
    expect(pair.latency.mean).toBeGreaterThanOrEqual(pair.service.mean * 0.99);
    expect(pair.latency.histogram.count).toBe(48);
  }
  const ledger = new Map(point?.ledger.map(({ factor, value }) => [factor, value]));
  expect(ledger.get("gatewayIsOwn")).toBe(true);
  expect(ledger.get("publisherAndReaderShareProcess")).toBe(cpus().length < 3);
});

test("says where it is, line by line, where nobody watches", async () => {
  const plan = await planFile("lines", { ingress: ["tcp"], egress: ["sse"] });
  const { err } = await runTributary(["compare", "--plan", plan]);
  expect(err).toMatch(/^lines 0 %, warm-up, \d+ s left\n/);
  expect(err).toMatch(/^lines \d+ %, block \d+ of 12, \d+ s left$/m);
});

test("measures a gateway that already runs, and leaves nothing connected to it", async () => {
  const gateway = await GatewayProcess.start();
  try {
    const { http, mqtt, tcp } = gateway.urls;
    const plan = await planFile("running", {
      ingress: ["mqtt-qos1", "tcp"],
      egress: ["mqtt-ws", "sse"],
    });
    const at = ["--target", http, "--mqtt", mqtt, "--tcp", `tcp://${tcp.host}:${tcp.port}`];
    const { code, out } = await runTributary(["compare", "--plan", plan, ...at]);
    expect(code).toBe(0);
    expect(out).toMatch(/published by ↓ read by →\s+mqtt-ws\s+sse\n/);
    expect(await gateway.metric('tributary_connections{transport="mqtt"}')).toBe(0);
  } finally {
    await gateway.stop();
  }
});

test("an overloaded generator voids the run: it exits with 3, says why, and prints no ranking", async () => {
  // Far beyond what one process can send in JSON, whatever the machine.
  const validity = { maxSendDelayMs: 20, maxLoopDelayMs: 30, maxGatewayLoopDelayMs: 5_000 };
  const plan = await planFile("overloaded", {
    validity,
    ingress: ["tcp"],
    egress: ["sse"],
    payloadBytes: 32_768,
    ratePerSecond: 10_000,
    warmUpSeconds: 0,
    windowSeconds: 0.03,
    settleSeconds: 1,
  });
  const { code, out } = await runTributary(["compare", "--plan", plan]);
  expect(code).toBe(3);
  expect(out).toMatch(/^This run is void: .* ranks nothing\.\n/);
  expect(out).toMatch(/behind its schedule|event loop was starved/);
  expect(out).not.toContain("edian");
});

test("factors reach the wire: TLS, compression, batches, QoS 2, new connections, another encoding", async () => {
  const factors = {
    "tls=true": ["mqtt-qos1", "http", "tcp"],
    "compression=true": ["websocket", "mqtt-ws"],
    "batchSize=2": ["http", "mqtt-qos0"],
    "qos=2": ["mqtt-ws"],
    "connections=per-request": ["http"],
    "noDelay=false": ["tcp"],
    "websocketSubprotocol=tributary.v1.binary": ["websocket"],
    "fanOut=3": ["tcp"],
    "network=lan": ["tcp", "http"],
  };
  for (const [factor, ingress] of Object.entries(factors)) {
    const name = factor.split("=")[0]?.toLowerCase() ?? "";
    const out = join(directory, name);
    const egress = ["mqtt", "mqtt-ws", "websocket", "poll"];
    const plan = await planFile(name, { ingress, egress, windowSeconds: 0.1 });
    const set = ["--set", factor, "--set", "blocks=1"];
    // One block is too few for a verdict, and enough to see what arrives.
    const run = await runTributary(["compare", "--plan", plan, "--out", out, ...set]);
    expect(run, factor).toMatchObject({ code: 3 });
    const [point] = (await readReport(out)).points;
    expect(point?.voidReasons, factor).toEqual(["1 blocks stand; an interval needs 12"]);
  }
});

test("against a baseline of the same machine it says what changed; a baseline that is none fails first", async () => {
  const [before, after] = [join(directory, "before"), join(directory, "after")];
  const plan = await planFile("baseline", { ingress: ["tcp"], egress: ["sse"] });
  expect(await runTributary(["compare", "--plan", plan, "--out", before])).toMatchObject({
    code: 0,
  });
  const run = await runTributary([
    ...["compare", "--plan", plan],
    ...["--out", after, "--baseline", before],
  ]);
  expect(run).toMatchObject({ code: 0 });
  expect(run.out).toMatch(/^Since the baseline$/m);
  expect(await readFile(join(after, "report.html"), "utf8")).toContain("Since the baseline");
  const wrong = await runTributary(["compare", "--plan", plan, "--baseline", plan]);
  expect(wrong).toMatchObject({ code: 1, out: "" });
});

test("refuses a plan that cannot be run, by the field", async () => {
  const experiment = { kind: "reconnect", fault: "half-open", faultsPerBlock: 1 };
  const plan = await planFile("refused", { experiment });
  const run = await runTributary(["compare", "--plan", plan, "--set", "payloadBytes=1"]);
  expect(run).toMatchObject({ code: 64 });
  expect(run.err).toContain("payloadBytes");
  expect((await runTributary(["compare", "--plan", plan])).err).toContain("half-open");
});

test("fails when there is no gateway at the target", async () => {
  const port = await closedPort();
  const plan = await planFile("absent", { ingress: ["http"], egress: ["sse"] });
  const { code, err } = await runTributary([
    "compare",
    "--plan",
    plan,
    "--target",
    `http://127.0.0.1:${port}`,
  ]);
  expect(code).toBe(1);
  expect(err).toContain(`127.0.0.1:${port}`);
});
