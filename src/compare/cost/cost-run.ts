import { setTimeout as delay } from "node:timers/promises";
import type { Block, Slot } from "../block-design.ts";
import type { BlockRunner } from "../block-run.ts";
import type { GatewayUnderTest } from "../gateway-under-test.ts";
import { blockSchedule } from "../load-sender.ts";
import type { EgressName, IngressName } from "../plan.ts";
import type { PlanPoint } from "../plan-points.ts";
import { type CostTable, isPublishedAtQos0 } from "./cost-table.ts";
import { Tap } from "./tap.ts";
import { countBetween, type WireCount } from "./wire-tally.ts";

/** Blocks through taps, at most: all publishers, and readers by each QoS. */
const BYTE_BLOCKS = 3;

/** How these blocks are run: what they count does not depend on microseconds. */
const QUIETLY = { leadInSeconds: 0, pacing: "by timer", isQuiet: true } as const;

/** What measuring the costs of a point needs. */
export interface CostParts {
  readonly point: PlanPoint;
  readonly gateway: GatewayUnderTest;
  readonly runner: BlockRunner;
  readonly costs: CostTable;
  readonly signal: AbortSignal;
  /** Runs a step that is expected to take so long. */
  readonly step: <Value>(
    phase: string,
    seconds: number,
    work: () => Promise<Value>,
  ) => Promise<Value>;
}

/**
 * Measures what messages cost, apart from the blocks of latency, which nothing may disturb: bytes
 * through taps, then processor time of each ingress and each egress alone.
 */
export async function measureCosts(parts: CostParts): Promise<void> {
  const { point, gateway } = parts;
  if (canTap(gateway)) {
    await parts.step("bytes", BYTE_BLOCKS * point.costSeconds, async () => {
      await countBytes(parts, point.ingress, []);
      // One publisher at its rate: with all of them, a poll would bring several messages.
      for (const publisher of firstOfEachQos(point)) {
        await countBytes(parts, [publisher], point.egress);
      }
    });
  }
  await countProcessorTime(parts);
}

/** A reader by MQTT gets a message at no more than it was published at, so bytes differ by that. */
function firstOfEachQos(point: PlanPoint): readonly IngressName[] {
  const first = new Map<boolean, IngressName>();
  for (const name of point.ingress) {
    const isQos0 = isPublishedAtQos0(name, point.qos);
    if (!first.has(isQos0)) first.set(isQos0, name);
  }
  return [...first.values()];
}

/** By TLS a client asks for the gateway's own name, which a tap has only on this host. */
function canTap({ targets: { httpUrl } }: GatewayUnderTest): boolean {
  if (!httpUrl.startsWith("https:")) return true;
  return new Set(["127.0.0.1", "localhost", "[::1]"]).has(new URL(httpUrl).hostname);
}

async function countBytes(
  { point, gateway, runner, costs }: CostParts,
  publishers: readonly IngressName[],
  readers: readonly EgressName[],
): Promise<void> {
  const design = blockOf(publishers, readers);
  const options = { ...QUIETLY, windowSeconds: point.costSeconds };
  const taps = new Map<Slot<IngressName | EgressName>, Tap>();
  const counts = new Map<Tap, WireCount>();
  const [publisher] = publishers;
  const isQos0 = publisher !== undefined && isPublishedAtQos0(publisher, point.qos);
  try {
    for (const slot of [...design.readers, ...design.publishers]) {
      taps.set(slot, await Tap.open(slot.name, gateway.targets));
    }
    await runner.run(design, {
      ...options,
      targetsOf: (slot) => taps.get(slot)?.targets ?? gateway.targets,
      onConnected: () => {
        for (const tap of taps.values()) counts.set(tap, tap.tally.count());
      },
      onSettled: () => {
        const { shotsPerPublisher, shots } = blockSchedule(runner.setup(design, options));
        for (const [slot, tap] of taps) {
          const before = counts.get(tap);
          if (before === undefined) continue;
          const isReader = design.readers.some((reader) => reader === slot);
          // With readers, the publisher was counted before.
          if (!isReader && readers.length > 0) continue;
          costs.addWire(isReader ? "egress" : "ingress", slot.name, {
            count: countBetween(before, tap.tally.count()),
            openingBytes: before.up + before.down,
            messages: isReader ? shots : shotsPerPublisher,
            knowsCauses: tap.knowsCauses,
            isQos0: isReader && isQos0,
          });
        }
      },
    });
  } finally {
    await Promise.all([...taps.values()].map((tap) => tap.close()));
  }
}

function blockOf(publishers: readonly IngressName[], readers: readonly EgressName[]): Block {
  const slots = <Name extends string>(names: readonly Name[]): Slot<Name>[] =>
    names.map((name, position) => ({ name, role: "measured" as const, position }));
  return { index: 0, publishers: slots(publishers), readers: slots(readers) };
}

/**
 * Processor time by subtraction: each ingress with nobody reading, less what the gateway takes for
 * nothing; each egress by what it adds to the first ingress.
 */
async function countProcessorTime(parts: CostParts): Promise<void> {
  const { point, costs } = parts;
  const [ingress] = point.ingress;
  if (ingress === undefined) return;
  const idle = await idleMicrosecondsPerSecond(parts);
  const first = await alone(parts, idle, [ingress], []);
  for (const name of point.ingress) {
    const one = name === ingress ? first : await alone(parts, idle, [name], []);
    costs.addCpu("ingress", name, one.gateway, one.client);
  }
  for (const name of point.egress) {
    const both = await alone(parts, idle, [ingress], [name]);
    const isKnown = both.gateway !== null && first.gateway !== null;
    const gateway = isKnown ? Number(both.gateway) - Number(first.gateway) : null;
    costs.addCpu("egress", name, gateway, both.client - first.client);
  }
}

/** Microseconds of processor time a message, of the gateway and of the load. */
async function alone(
  { point, runner, step }: CostParts,
  idlePerSecond: number | null,
  publishers: readonly IngressName[],
  readers: readonly EgressName[],
): Promise<{ readonly gateway: number | null; readonly client: number }> {
  const design = blockOf(publishers, readers);
  const options = { ...QUIETLY, windowSeconds: point.costSeconds };
  const phase = `processor time, ${readers[0] ?? publishers[0] ?? ""}`;
  return step(phase, point.costSeconds, async () => {
    const { gatewayCpuMicroseconds, clientCpuMicroseconds, seconds } = await runner.run(
      design,
      options,
    );
    const { shots } = blockSchedule(runner.setup(design, options));
    const isKnown = gatewayCpuMicroseconds !== null && idlePerSecond !== null;
    const gateway = isKnown
      ? (Number(gatewayCpuMicroseconds) - Number(idlePerSecond) * seconds) / shots
      : null;
    return { gateway, client: clientCpuMicroseconds / shots };
  });
}

/** What the gateway takes while nobody wants anything of it. */
async function idleMicrosecondsPerSecond(parts: CostParts): Promise<number | null> {
  const { point, gateway, signal, step } = parts;
  return step("processor time, idle", point.costSeconds, async () => {
    const before = await gateway.probe.readQuietly();
    await delay(point.costSeconds * 1_000, undefined, { signal });
    const after = await gateway.probe.readQuietly();
    if (before.cpuMicroseconds === null || after.cpuMicroseconds === null) return null;
    return (after.cpuMicroseconds - before.cpuMicroseconds) / point.costSeconds;
  });
}
