import { afterAll, beforeAll, expect, test } from "vitest";
import type { Targets } from "../../src/compare/driver/driver.ts";
import { standingGateway } from "../../src/compare/gateway-under-test.ts";
import { LoadProcess } from "../../src/compare/load-process.ts";
import type { Loads } from "../../src/compare/loads.ts";
import { parsePlan } from "../../src/compare/plan.ts";
import { runPlan } from "../../src/compare/runner.ts";
import { GatewayProcess } from "../support/gateway-process.ts";

/** The built program of a load process, as a run forks it. */
const ENTRY = new URL("../../dist/compare/load-entry.js", import.meta.url);

const BLOCKS = 12;

let gateway: GatewayProcess;
let targets: Targets;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
  const { http, mqtt, tcp } = gateway.urls;
  const websocket = http.replace(/^http/, "ws");
  targets = {
    httpUrl: http,
    websocketUrl: `${websocket}/ws`,
    mqttWebsocketUrl: `${websocket}/mqtt`,
    mqttUrl: mqtt,
    tcpUrl: `tcp://${tcp.host}:${tcp.port}`,
    tls: {},
  };
});

afterAll(() => gateway.stop());

function run(loads: Loads, signal = new AbortController().signal) {
  const limits = { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000, maxGatewayLoopDelayMs: 5_000 };
  const plan = {
    name: "processes",
    ingress: ["mqtt-qos1", "http"],
    egress: ["mqtt", "websocket", "poll"],
    ratePerSecond: 50,
    warmUpSeconds: 0,
    windowSeconds: 0.1,
    blocks: BLOCKS,
    settleSeconds: 10,
    costSeconds: 0.1,
    validity: limits,
  };
  return runPlan(parsePlan(JSON.stringify(plan), "processes"), {
    startGateway: async () => standingGateway(targets),
    startLoads: () => loads,
    facts: {},
    signal,
    onProgress: () => undefined,
  });
}

test("publishers and readers in processes of their own read one clock and lose nothing", async () => {
  const loads = { publishing: new LoadProcess(ENTRY), reading: new LoadProcess(ENTRY) };
  const [point] = (await run(loads)).points;
  expect(point?.voidReasons).toEqual([]);
  for (const pair of point?.pairs ?? []) {
    expect(pair).toMatchObject({ expected: 5 * BLOCKS, lost: 0, duplicates: 0 });
    expect(pair.latency.min).toBeGreaterThan(0);
    expect(pair.cost?.wireBytes?.payload).toBe(400);
    expect(pair.cost?.gatewayCpuMicroseconds).not.toBeNull();
  }
  const shared = point?.ledger.find(({ factor }) => factor === "publisherAndReaderShareProcess");
  expect(shared?.value).toBe(false);
  for (const { pid } of [loads.publishing, loads.reading]) {
    expect(() => process.kill(pid ?? 0, 0)).toThrow("ESRCH");
  }
});

test("a load process that ends early fails the run, and the other one is ended", async () => {
  const loads = { publishing: new LoadProcess(ENTRY), reading: new LoadProcess(ENTRY) };
  const running = run(loads);
  process.kill(loads.reading.pid ?? 0, "SIGKILL");
  await expect(running).rejects.toThrow("a load process ended with SIGKILL");
  expect(() => process.kill(loads.publishing.pid ?? 0, 0)).toThrow("ESRCH");
});
