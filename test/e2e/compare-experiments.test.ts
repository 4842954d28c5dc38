import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PointResult } from "../../src/compare/comparison-result.ts";
import { parseComparison } from "../../src/compare/comparison-schema.ts";
import { EGRESS_NAMES } from "../../src/compare/plan.ts";
import { runTributary } from "../support/tributary.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-compare-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** One block of an experiment: too little for a verdict, and enough to see what it measures. */
async function oneBlock(
  experiment: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Promise<PointResult | undefined> {
  const plan = {
    name: String(experiment.kind),
    experiment,
    ingress: ["mqtt-qos1"],
    egress: EGRESS_NAMES,
    ratePerSecond: 50,
    warmUpSeconds: 0,
    windowSeconds: 0.5,
    blocks: 1,
    settleSeconds: 20,
    costSeconds: 0,
    plainPollIntervalMs: 50,
    validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000, maxGatewayLoopDelayMs: 5_000 },
    ...changes,
  };
  const file = join(directory, `${plan.name}.yaml`);
  // JSON is YAML.
  await writeFile(file, JSON.stringify(plan));
  const out = join(directory, plan.name);
  expect(await runTributary(["compare", "--plan", file, "--out", out])).toMatchObject({ code: 3 });
  const report = await readFile(join(out, "report.json"), "utf8");
  const [point] = parseComparison(JSON.parse(report)).points;
  expect(point?.voidReasons).toEqual(["1 blocks stand; an interval needs 12"]);
  return point;
}

test("readers whose connection is reset go on where they were: nothing is lost", async () => {
  const experiment = { kind: "reconnect", fault: "reset", faultsPerBlock: 2 };
  const point = await oneBlock(experiment, { windowSeconds: 1 });
  for (const pair of point?.pairs ?? []) {
    expect(pair, pair.egress).toMatchObject({ expected: 50, lost: 0 });
  }
  expect(point?.recoveries.map(({ egress }) => egress).toSorted()).toEqual(EGRESS_NAMES.toSorted());
  for (const recovery of point?.recoveries ?? []) {
    expect(recovery).toMatchObject({ resets: 2, reopened: 2, recovered: 2 });
  }
});

test("connections from cold are timed until their first message", async () => {
  const point = await oneBlock({ kind: "connect", connects: 3 }, { costSeconds: 0.1 });
  for (const pair of point?.pairs ?? []) {
    expect(pair).toMatchObject({ expected: 3, lost: 0 });
    expect(pair.cost?.coldToFirstMessageNs).toBeGreaterThan(100_000);
  }
  const opening = point?.legs.find(({ name }) => name === "mqtt-ws")?.connectionBytes;
  // A request to upgrade and its answer, at the least.
  expect(opening).toBeGreaterThan(200);
});

test("idle connections are counted in memory and in what keeps them", async () => {
  const point = await oneBlock({ kind: "idle", connections: 20 }, { windowSeconds: 1 });
  const leg = (name: string) => point?.legs.find((each) => each.name === name);
  for (const name of EGRESS_NAMES) expect(leg(name)?.idleConnectionBytes).not.toBeNull();
  // 20 polls a second of some hundred bytes each, by the hour.
  expect(leg("plain-poll")?.idleBytesPerHour).toBeGreaterThan(3_600_000);
  // Its first sign of life is due long after this look at it.
  expect(leg("mqtt")?.idleBytesPerHour).toBeNull();
});

test("a reader that stops reading costs the others no message", async () => {
  const experiment = { kind: "slow-reader", egress: "mqtt", pauseSeconds: 0.4 };
  const point = await oneBlock(experiment, { payloadBytes: 10_000 });
  for (const pair of point?.pairs ?? []) expect(pair).toMatchObject({ expected: 25, lost: 0 });
});
