import { setTimeout as delay } from "node:timers/promises";
import type { BlockObservation } from "./analysis.ts";
import type { Block, ReaderSlot } from "./block-design.ts";
import type { BlockRunner } from "./block-run.ts";
import type { CostTable } from "./cost/cost-table.ts";
import { keepAlivePerHour } from "./cost/idle-bytes.ts";
import { Tap } from "./cost/tap.ts";
import type { GatewayUnderTest } from "./gateway-under-test.ts";
import type { Loads } from "./loads.ts";

/** After connecting, for what the gateway does at a connection's start to be over. */
const SETTLE_MS = 250;

/** What a block of idle connections is made of. */
export interface IdleParts {
  readonly design: Block;
  /** Of each egress. */
  readonly connections: number;
  readonly windowSeconds: number;
  readonly costs: CostTable;
  readonly signal: AbortSignal;
}

/**
 * A block of connections with nothing to deliver: each egress in the block's order opens its
 * connections, and the growth of the gateway's memory is theirs; one more of each stands behind a tap
 * for the window, which counts what keeps it.
 */
export async function idleBlock(
  runner: BlockRunner,
  { reading }: Loads,
  { targets, probe }: GatewayUnderTest,
  { design, connections, windowSeconds, costs, signal }: IdleParts,
): Promise<BlockObservation> {
  const measured = design.readers.filter(({ role }) => role === "measured");
  const taps = new Map<ReaderSlot, Tap>();
  try {
    return await runner.within(runner.setup(design), async () => {
      const resident = new Map<ReaderSlot, number | null>();
      for (const slot of measured) {
        const before = await probe.readQuietly();
        await reading.openIdle(slot, targets, connections);
        await delay(SETTLE_MS, undefined, { signal });
        const after = await probe.readQuietly();
        const isKnown = before.residentBytes !== null && after.residentBytes !== null;
        const grown = isKnown ? Number(after.residentBytes) - Number(before.residentBytes) : null;
        resident.set(slot, grown === null ? null : grown / connections);
      }
      for (const slot of measured) {
        const tap = await Tap.open(slot.name, targets);
        taps.set(slot, tap);
        await reading.openIdle(slot, tap.targets, 1);
      }
      const openedAt = performance.now();
      const counted = [...taps].map(([slot, tap]) => ({ slot, tap, before: tap.tally.count() }));
      await delay(windowSeconds * 1_000, undefined, { signal });
      const { loopDelayP99Ns, publishFailures, firstFailure } = await reading.report();
      for (const { slot, tap, before } of counted) {
        const bytes = tap.tally.count().bytes.keepAlive - before.bytes.keepAlive;
        const perHour = tap.knowsCauses
          ? keepAlivePerHour(bytes, tap.tally.keepAliveTimes, openedAt)
          : null;
        costs.addStanding(slot.name, resident.get(slot) ?? null, perHour);
      }
      const condition = {
        sendDelayP99Ns: 0,
        lateSends: 0,
        loopDelayP99Ns,
        publishFailures,
        firstFailure,
        gatewayLoopDelayP99Ns: null,
      };
      return { design, condition, records: [] };
    });
  } finally {
    await Promise.all([...taps.values()].map((tap) => tap.close()));
  }
}
