import { expect, test } from "vitest";
import { PointAnalysis } from "../../src/compare/analysis.ts";
import { BlockDesign } from "../../src/compare/block-design.ts";
import { orderedLedger } from "../../src/compare/ledger.ts";
import type { EgressName } from "../../src/compare/plan.ts";
import { planPoint } from "../support/plan-point.ts";
import { analyse, type Fate, type Flight, observe, QUIET } from "../support/synthetic-network.ts";

const US = 1_000;
const MS = 1_000 * US;
const LEDGER = orderedLedger({});

const DELAYS: Partial<Record<EgressName, number>> = {
  mqtt: 200 * US,
  websocket: 250 * US,
  sse: 3 * MS,
};
/** What each place later in the order of subscribing costs. */
const PER_POSITION = 7 * US;

const POINT = planPoint({
  ingress: ["tcp", "http"],
  egress: ["mqtt", "websocket", "sse"],
  ratePerSecond: 100,
  windowSeconds: 1,
});

/** Delays known to the nanosecond, with whatever all readers of a message share on top. */
function steady({ reader, publisher, sequence, dueAtNs, block }: Flight): Fate {
  const shared = ((sequence * 7 + block.index * 13) % 11) * 30 * US;
  const ingress = publisher.name === "http" ? 400 * US : 0;
  const own = (DELAYS[reader.name] ?? 0) + PER_POSITION * reader.position;
  return { sentAtNs: dueAtNs, receivedAtNs: [dueAtNs + shared + ingress + own] };
}

test("recovers known delays exactly, whatever the order of subscribing costs", () => {
  const result = analyse(POINT, steady).result(LEDGER);
  expect(result.verdict).toBe("valid");
  const rows = result.egressComparisons.filter(({ ingress }) => ingress === "tcp");
  expect(rows.map(({ first, second }) => [first, second])).toEqual([
    ["mqtt", "websocket"],
    ["mqtt", "sse"],
    ["websocket", "sse"],
  ]);
  const expected = [-50 * US, -2_800 * US, -2_750 * US];
  for (const [index, row] of rows.entries()) {
    expect(row.difference?.estimate).toBeCloseTo(expected[index] ?? 0, 3);
    expect(row.difference?.standardError).toBeCloseTo(0, 3);
    expect(row.difference?.perPosition).toBeCloseTo(PER_POSITION, 3);
    expect(row.meanDifference?.estimate).toBeCloseTo(expected[index] ?? 0, 3);
    expect(row.noiseFloorNs).toBeCloseTo(0, 3);
    expect(row.verdict).toBe("lower");
  }
});

test("recovers what one ingress costs over another, block by block", () => {
  const result = analyse(POINT, steady).result(LEDGER);
  const row = result.ingressComparisons.find(({ egress }) => egress === "sse");
  expect(row).toMatchObject({ first: "tcp", second: "http", verdict: "lower" });
  expect(row?.difference?.estimate).toBeCloseTo(-400 * US, 3);
});

test("two egresses that are equal have no measurable difference", () => {
  const equal = (flight: Flight): Fate => {
    const { receivedAtNs, sentAtNs } = steady(flight);
    const own = DELAYS[flight.reader.name] ?? 0;
    return { sentAtNs, receivedAtNs: receivedAtNs.map((at) => at - own + 200 * US) };
  };
  for (const row of analyse(POINT, equal).result(LEDGER).egressComparisons) {
    expect(row.verdict).toBe("no measurable difference");
  }
});

test("counts loss, duplicates and reorder of every pair exactly where links break on purpose", () => {
  const point = planPoint({
    ...POINT,
    experiment: { kind: "reconnect", fault: "reset", faultsPerBlock: 1 },
  });
  const fate = (flight: Flight): Fate => {
    const { sentAtNs, receivedAtNs } = steady(flight);
    const at = receivedAtNs[0] ?? 0;
    const { name } = flight.reader;
    const { sequence } = flight;
    if (name === "mqtt" && sequence % 10 === 3) return { sentAtNs, receivedAtNs: [at, at + MS] };
    if (name === "websocket" && sequence >= 40 && sequence < 45) {
      return { sentAtNs, receivedAtNs: [] };
    }
    // 25 ms late: two later messages of this publisher, 10 ms apart, come first.
    if (name === "sse" && sequence === 50) return { sentAtNs, receivedAtNs: [at + 25 * MS] };
    return { sentAtNs, receivedAtNs };
  };
  const { pairs, verdict } = analyse(point, fate).result(LEDGER);
  expect(verdict).toBe("valid");
  const counts = pairs
    .filter(({ ingress }) => ingress === "tcp")
    .map(({ expected, lost, duplicates, reordered }) => [expected, lost, duplicates, reordered]);
  expect(counts).toEqual([
    [1_200, 0, 120, 0],
    [1_200, 60, 0, 0],
    [1_200, 0, 0, 12],
  ]);
});

test("a stall of 1 s under a client that waits shows in latency p99 and not in service time", () => {
  const point = planPoint({ egress: ["mqtt", "sse"], ratePerSecond: 100, windowSeconds: 10 });
  const freeAt = new Map<string, number>();
  const fate = ({ block, reader, sequence, dueAtNs }: Flight): Fate => {
    const line = `${block.index} ${reader.position}`;
    const sentAtNs = Math.max(dueAtNs, freeAt.get(line) ?? 0);
    const takesNs = reader.name === "sse" && sequence === 400 ? 1_000 * MS : 0.1 * MS;
    freeAt.set(line, sentAtNs + takesNs);
    return { sentAtNs, receivedAtNs: [sentAtNs + takesNs] };
  };
  const [mqtt, sse] = analyse(point, fate).result(LEDGER).pairs;
  expect(sse?.latency.quantiles.p99).toBeGreaterThan(850 * MS);
  expect(sse?.service.quantiles.p99).toBeLessThan(0.11 * MS);
  expect(sse?.latency.max).toBe(1_000 * MS);
  expect(mqtt?.latency.quantiles["p99.9"]).toBeLessThan(0.11 * MS);
});

test("a block that loses a message is void, counted, and adds nothing to any number", () => {
  const design = new BlockDesign(POINT);
  const analysis = new PointAnalysis(POINT);
  for (let index = 0; index < 13; index += 1) {
    const fate = (flight: Flight): Fate => {
      const { sentAtNs, receivedAtNs } = steady(flight);
      const isLost = index === 5 && flight.sequence === 9 && flight.reader.name === "sse";
      return { sentAtNs, receivedAtNs: isLost ? [] : receivedAtNs.map((at) => at + index * MS) };
    };
    analysis.add(observe(POINT, design.block(index), fate));
  }
  const result = analysis.result(LEDGER);
  expect(result.verdict).toBe("valid");
  expect(result.blocks[5]?.voidReasons.join()).toMatch(/messages were lost/);
  expect(analysis.validBlocks).toBe(12);
  expect(result.pairs[0]).toMatchObject({ expected: 1_200, received: 1_200, lost: 0 });
  expect(result.pairs[0]?.blockMedians).toHaveLength(12);
});

test("too few blocks that stand void the result, and so do too many that do not", () => {
  const few = analyse(planPoint({ ...POINT, blocks: 11 }), steady).result(LEDGER);
  expect(few.voidReasons).toEqual(["11 blocks stand; an interval needs 12"]);
  const design = new BlockDesign(POINT);
  const analysis = new PointAnalysis(POINT);
  for (let index = 0; index < 17; index += 1) {
    const late = { ...QUIET, sendDelayP99Ns: index < 5 ? 21 * MS : 0 };
    analysis.add(observe(POINT, design.block(index), steady, late));
  }
  const reasons = analysis.result(LEDGER).voidReasons;
  expect(reasons).toEqual(["5 of 17 blocks are void; what is left is a selection"]);
});

test("a message that arrives before it was sent is kept below 0 and voids the result", () => {
  const early = (flight: Flight): Fate => {
    const { sentAtNs, receivedAtNs } = steady(flight);
    const isEarly = flight.sequence === 0 && flight.reader.name === "mqtt";
    return { sentAtNs, receivedAtNs: isEarly ? [sentAtNs - 2 * MS] : receivedAtNs };
  };
  const result = analyse(POINT, early).result(LEDGER);
  expect(result.pairs[0]?.latency.min).toBe(-2 * MS);
  expect(result.voidReasons.join()).toMatch(/arrived before they were sent/);
});

test("a warm-up that has not settled voids the result", () => {
  const analysis = analyse(POINT, steady);
  analysis.judgeWarmUp(Array.from({ length: 20 }, (_, batch) => 20 - batch));
  expect(analysis.result(LEDGER).voidReasons).toEqual([
    "latency had not settled when the warm-up ended",
  ]);
});

test("the result survives JSON", () => {
  const result = analyse(POINT, steady).result(LEDGER);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});
