import { comparisonResult, pointLedger } from "../../src/compare/analysis-result.ts";
import type {
  ComparisonResult,
  LegResult,
  PairCost,
  PointResult,
  RecoveryResult,
} from "../../src/compare/comparison-result.ts";
import type { LedgerFactor, LedgerValue } from "../../src/compare/ledger.ts";
import { parsePlan } from "../../src/compare/plan.ts";
import { type PlanPoint, planPoints } from "../../src/compare/plan-points.ts";
import { Normal } from "./normal.ts";
import { analyse } from "./synthetic-network.ts";

const US = 1_000;

/** Invented latencies of ways in and out, µs: no measurement, but of a plausible order. */
const INGRESS_US: Readonly<Record<string, number>> = {
  "mqtt-qos0": 40,
  "mqtt-qos1": 42,
  "mqtt-ws": 55,
  websocket: 60,
  "websocket-binary": 50,
  http: 120,
  tcp: 45,
};
const EGRESS_US: Readonly<Record<string, number>> = {
  mqtt: 45,
  "mqtt-ws": 60,
  websocket: 62,
  "websocket-binary": 61,
  sse: 90,
  poll: 240,
  "plain-poll": 50_000,
  tcp: 44,
};

/** What a synthetic run is made of. Nothing of it was measured. */
export interface SyntheticRun {
  readonly plan?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Added to what a pair takes at a point, µs. */
  readonly addedUs?: (point: PlanPoint, ingress: string, egress: string) => number;
  readonly facts?: Readonly<Partial<Record<LedgerFactor, LedgerValue>>>;
  readonly cost?: (point: PlanPoint, ingress: string, egress: string) => PairCost | null;
  /** What each end costs by itself. */
  readonly legs?: (point: PlanPoint) => readonly LegResult[];
  readonly recoveries?: readonly RecoveryResult[];
  /** Whether a point is void. */
  readonly isVoid?: (point: PlanPoint) => boolean;
}

const PLAN = {
  name: "synthetic",
  meaning: "Invented by a test.",
  warmUpSeconds: 0,
  windowSeconds: 2,
  settleSeconds: 1,
  ratePerSecond: 50,
  blocks: 12,
  ingress: ["mqtt-qos1", "http"],
  egress: ["mqtt", "websocket", "sse"],
  validity: { maxSendDelayMs: 20, maxLoopDelayMs: 30 },
};

const FACTS: Readonly<Partial<Record<LedgerFactor, LedgerValue>>> = {
  commit: "0123456789abcdef0123456789abcdef01234567",
  gatewayVersion: "0.1.0",
  mqttEngine: "native",
  store: "memory",
  nodeVersion: "v20.0.0",
  kernel: "linux 6.1.0",
  architecture: "x64",
  cpuModel: "Invented CPU at 1 GHz",
  cores: 2,
  memoryGiB: 8,
  publisherAndReaderShareProcess: true,
  gatewayIsOwn: true,
  oneClock: true,
};

/**
 * A result as the analysis gives it, over a gateway that is a function: every figure in it is
 * invented, and follows from the seed.
 */
export function syntheticComparison(run: SyntheticRun = {}): ComparisonResult {
  const plan = parsePlan(JSON.stringify({ ...PLAN, ...run.plan }), "synthetic");
  const points = planPoints(plan).map((point) => syntheticPoint(point, run));
  return comparisonResult(plan, new Date(0), points);
}

function syntheticPoint(point: PlanPoint, run: SyntheticRun): PointResult {
  const normal = new Normal((run.seed ?? 1) ^ point.seed);
  const drift = new Map<string, number>();
  const analysis = analyse(point, ({ block, publisher, reader, dueAtNs }) => {
    const line = `${block.index} ${publisher.position} ${reader.position}`;
    const noise = drift.get(line) ?? 2 * US * normal.next();
    drift.set(line, noise);
    const own = (INGRESS_US[publisher.name] ?? 50) + (EGRESS_US[reader.name] ?? 50);
    const added = run.addedUs?.(point, publisher.name, reader.name) ?? 0;
    // A log-normal tail, as queues make it, too short to overtake.
    const tail = Math.exp(0.35 * normal.next()) - 1;
    const placed = reader.position * US;
    const at = dueAtNs + (own + added + Math.min(own, 400) * tail) * US + noise + placed;
    return { sentAtNs: dueAtNs + 2 * US, receivedAtNs: [Math.max(at, dueAtNs + 5 * US)] };
  });
  analysis.judgeWarmUp(Array.from({ length: 40 }, () => 100 * US + US * normal.next()));
  const result = analysis.result(pointLedger(point, { ...FACTS, ...run.facts }));
  const costed = result.pairs.map((pair) => ({
    ...pair,
    cost: run.cost?.(point, pair.ingress, pair.egress) ?? null,
  }));
  const whole = {
    ...result,
    pairs: costed,
    legs: run.legs?.(point) ?? [],
    recoveries: run.recoveries ?? [],
  };
  return run.isVoid?.(point) === true ? voided(whole) : whole;
}

function voided(point: PointResult): PointResult {
  const reason = "the sender ran 31.0 ms behind its schedule (p99); the limit is 20 ms";
  return {
    ...point,
    verdict: "void",
    voidReasons: [`${point.blocks.length} of ${point.blocks.length} blocks are void`],
    blocks: point.blocks.map((block) => ({ ...block, voidReasons: [reason] })),
  };
}

/** Bytes by the arithmetic of the specifications, roughly; the rest is invented. */
export function syntheticCost(point: PlanPoint, ingress: string, egress: string): PairCost {
  const framing: Readonly<Record<string, number>> = {
    mqtt: 24,
    "mqtt-ws": 28,
    websocket: 4,
    "websocket-binary": 4,
    sse: 30,
    poll: 450,
    "plain-poll": 1_900,
    tcp: 1,
    http: 480,
  };
  const envelope: Readonly<Record<string, number>> = {
    websocket: 190,
    sse: 170,
    poll: 180,
    tcp: 180,
  };
  const own = (name: string): number => framing[name.replace(/-qos\d$/, "")] ?? 8;
  return {
    wireBytes: {
      handshake: 3,
      framing: own(ingress) + own(egress),
      envelope: (envelope[ingress] ?? 0) + (envelope[egress] ?? 0),
      payload: 2 * point.payloadBytes,
      acknowledgement: ingress === "mqtt-qos1" ? 8 : 0,
      keepAlive: 1.2,
    },
    gatewayCpuMicroseconds: 4 + own(egress) / 40,
    clientCpuMicroseconds: 9 + own(egress) / 30,
    requestsPerMessage: egress === "poll" ? 1 : egress === "plain-poll" ? 4 : 0,
    connectionsPerMessage: 0,
    idleConnectionBytes: null,
    idleBytesPerHour: null,
    coldToFirstMessageNs: null,
  };
}

/** Each end by itself, with half of what a pair of two of them would cost. */
export function syntheticLegs(point: PlanPoint): LegResult[] {
  const leg = (side: LegResult["side"], name: LegResult["name"], alone: PairCost): LegResult => ({
    ...alone,
    side,
    name,
    upBytes: 100,
    downBytes: 100,
    connectionBytes: 600,
    idleConnectionBytes: 9_000,
    idleBytesPerHour: 7_200,
    coldToFirstMessageNs: 2_500_000,
  });
  return [
    ...point.ingress.map((name) => leg("ingress", name, syntheticCost(point, name, ""))),
    ...point.egress.map((name) => leg("egress", name, syntheticCost(point, "", name))),
  ];
}
