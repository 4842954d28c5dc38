import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Targets } from "../../src/compare/driver/driver.ts";
import { EGRESS_NAMES } from "../../src/compare/plan.ts";
import type { GatewayUnderFault } from "../../src/compare/semantics/crashing-gateway.ts";
import { runSemantics } from "../../src/compare/semantics/run-semantics.ts";
import {
  type Fault,
  type SemanticsPair,
  type SemanticsResult,
  semanticsSchema,
} from "../../src/compare/semantics/semantics-result.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { planPoint } from "../support/plan-point.ts";

const MAIN = new URL("../../dist/compare/network/network-main.js", import.meta.url);
const FAULTS = 2;
const RATE = 50;
const SILENCE_MS = 800;

let directory: string;
let gateway: GatewayProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tributary-semantics-"));
  gateway = await start();
});

afterAll(async () => {
  await gateway.stop();
  await rm(directory, { recursive: true, force: true });
});

function start(): Promise<GatewayProcess> {
  return GatewayProcess.start(["store.kind=lmdb", `store.dataDir=${directory}`]);
}

function targets(): Targets {
  const { http, mqtt, tcp } = gateway.urls;
  const websocket = http.replace(/^http/, "ws");
  return {
    httpUrl: http,
    websocketUrl: `${websocket}/ws`,
    mqttWebsocketUrl: `${websocket}/mqtt`,
    mqttUrl: mqtt,
    tcpUrl: `tcp://${tcp.host}:${tcp.port}`,
    tls: {},
  };
}

/** The disk store's gateway, killed as `kill -9` does and started on what it left. */
const underFault: GatewayUnderFault = {
  get targets() {
    return targets();
  },
  crash: {
    kill: () => gateway.stop(),
    restart: async () => {
      gateway = await start();
      return targets();
    },
  },
};

async function run(fault: Fault, signal = AbortSignal.timeout(60_000)): Promise<SemanticsResult> {
  const point = planPoint({
    experiment: { kind: "reconnect", fault, faultsPerBlock: FAULTS },
    ingress: ["mqtt-qos1", "http"],
    egress: EGRESS_NAMES,
    ratePerSecond: RATE,
    payloadBytes: 100,
    settleSeconds: 10,
    plainPollIntervalMs: 20,
    validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000 },
  });
  return runSemantics(point, {
    gateway: underFault,
    signal,
    silenceMs: SILENCE_MS,
    networkMain: MAIN,
  });
}

const resuming = ({ pairs }: SemanticsResult): SemanticsPair[] =>
  pairs.filter(({ resumption }) => resumption !== "none");
const forgetful = ({ pairs }: SemanticsResult): SemanticsPair[] =>
  pairs.filter(({ resumption }) => resumption === "none");

const text = ({ ingress, egress, resumption, ...found }: SemanticsPair): string =>
  `${ingress} → ${egress} (${resumption}): ${JSON.stringify(found)}`;

function expectOfAll(pairs: readonly SemanticsPair[], holds: (pair: SemanticsPair) => boolean) {
  expect(pairs.filter((pair) => !holds(pair)).map(text)).toEqual([]);
}

describe.each(["reset", "half-open", "gateway-kill"] as const)("%s", (fault) => {
  let result: SemanticsResult;

  beforeAll(async () => {
    result = await run(fault);
  });

  test("survives JSON and its schema, and stands", () => {
    expect(semanticsSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
    expect(result).toMatchObject({ fault, faults: FAULTS, voidReasons: [] });
    expect(result.pairs).toHaveLength(2 * EGRESS_NAMES.length * 2);
    expect(result.publishers.every(({ unacknowledged }) => unacknowledged === 0)).toBe(true);
  });

  test("a reader that resumes loses nothing that was acknowledged", () => {
    expectOfAll(resuming(result), ({ lost, neverBack }) => lost === 0 && neverBack === 0);
  });

  test("a reader that begins anew loses what came while it was away, and nothing else", () => {
    expectOfAll(
      forgetful(result),
      ({ lost, lostWhileAway, neverBack }) => lost === lostWhileAway && neverBack === 0,
    );
  });

  test("every fault has its time to recover, and order stands", () => {
    expectOfAll(
      result.pairs,
      ({ recoveryNs, reordered }) =>
        recoveryNs.length === FAULTS && recoveryNs.every((ns) => ns > 0) && reordered === 0,
    );
  });

  if (fault === "half-open") {
    test("silence costs what its length and the rate say: a known loss, or as much made good for", () => {
      // A link is given up after its patience and at most a quarter more; then it connects again.
      const least = FAULTS * RATE * (SILENCE_MS / 1_000) * 0.9;
      expectOfAll(forgetful(result), ({ lost }) => lost >= least && lost < 3 * least);
      expectOfAll(resuming(result), ({ recovered }) => recovered >= least);
      expectOfAll(result.pairs, ({ recoveryNs }) =>
        recoveryNs.every((ns) => ns >= SILENCE_MS * 0.9e6),
      );
    });
  }

  if (fault !== "gateway-kill") {
    test("a reader that resumes by cursor or Last-Event-ID gets nothing twice", () => {
      const byPosition = resuming(result).filter(
        ({ resumption }) => resumption !== "persistent session",
      );
      expectOfAll(byPosition, ({ duplicates }) => duplicates === 0);
      expect(result.publishers.every(({ repeated }) => repeated === 0)).toBe(true);
    });
  }
});

test("a gateway that is not the run's own is never killed", async () => {
  const point = planPoint({
    experiment: { kind: "reconnect", fault: "gateway-kill", faultsPerBlock: 1 },
  });
  const parts = { gateway: { targets: targets(), crash: null }, signal: AbortSignal.timeout(1) };
  await expect(runSemantics(point, parts)).rejects.toThrow("not the run's own");
});

test("an ended run leaves no connection behind", async () => {
  await expect(run("half-open", AbortSignal.timeout(700))).rejects.toThrow();
  const status = await gateway.metric('tributary_connections{transport="websocket"}');
  expect(status).toBe(0);
});
