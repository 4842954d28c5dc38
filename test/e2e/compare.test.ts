import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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

/** A plan of two seconds. Its bounds are wide: the tests share their processors with others. */
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
    warmUpSeconds: 0.5,
    windowSeconds: 1.5,
    blocks: 1,
    settleSeconds: 10,
    plainPollIntervalMs: 50,
    validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000 },
    ...changes,
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(plan));
  return file;
}

test("measures every pair against a gateway of its own, with nothing lost, repeated or reordered", async () => {
  const out = join(directory, "own");
  const plan = await planFile("all");
  const run = await runTributary(["compare", "--plan", plan, "--out", out]);
  expect(run.code).toBe(0);
  expect(run.out).toMatch(
    /^ingress\s+egress\s+p50 ms\s+p95 ms\s+p99 ms\s+lost\s+dup\s+reordered\n/,
  );
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8"));
  expect(report).toMatchObject({ format: "tributary-compare/1", verdict: "valid" });
  expect(report.pairs).toHaveLength(INGRESS_NAMES.length * EGRESS_NAMES.length);
  for (const pair of report.pairs) {
    expect(pair).toMatchObject({
      expected: 30,
      received: 30,
      lost: 0,
      duplicates: 0,
      reordered: 0,
    });
    expect(pair.latencyNs.p50).toBeGreaterThan(10_000);
    expect(pair.latencyNs.p50).toBeGreaterThanOrEqual(pair.serviceTimeNs.p50 * 0.99);
    expect(pair.latencyNs.histogram.count).toBe(30);
  }
});

test("measures a gateway that already runs", async () => {
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
    expect(out).toMatch(/mqtt-qos1\s+mqtt-ws/);
    expect(await gateway.metric('tributary_connections{transport="mqtt"}')).toBe(0);
  } finally {
    await gateway.stop();
  }
});

test("a void run exits with 3, says why, and prints no ranking", async () => {
  const validity = { maxSendDelayMs: 0.000_001, maxLoopDelayMs: 5_000 };
  const plan = await planFile("void", { validity, ingress: ["http"], egress: ["sse"] });
  const { code, out } = await runTributary(["compare", "--plan", plan]);
  expect(code).toBe(3);
  expect(out).toMatch(/void and ranks nothing:\n {2}the sender ran .* behind its schedule/);
  expect(out).not.toContain("p50");
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
