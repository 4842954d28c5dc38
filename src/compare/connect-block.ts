import type { BlockObservation } from "./analysis.ts";
import type { Block } from "./block-design.ts";
import type { BlockRunner } from "./block-run.ts";
import type { CostTable } from "./cost/cost-table.ts";
import type { GatewayUnderTest } from "./gateway-under-test.ts";
import type { ColdStart } from "./load.ts";
import type { Loads } from "./loads.ts";
import { type PairRecord, withDistributions } from "./recorder.ts";

/**
 * A block of connections from cold: the first publisher leaves a retained message, and each reader in
 * the block's order connects `connects` times until it has it. As latencies stand the times from
 * nothing to that message, as service times those until the subscription stood.
 */
export async function connectBlock(
  runner: BlockRunner,
  { publishing, reading }: Loads,
  { targets, probe }: GatewayUnderTest,
  parts: { readonly design: Block; readonly connects: number; readonly costs: CostTable },
): Promise<BlockObservation> {
  const { design, connects, costs } = parts;
  const [publisher] = design.publishers;
  return runner.within(runner.setup(design), async () => {
    if (publisher !== undefined) await publishing.openPublisher(publisher, targets);
    await publishing.leaveRetained();
    await probe.read();
    const row: (PairRecord | undefined)[] = [];
    for (const slot of design.readers) {
      if (slot.role === "crowd") continue;
      const starts = await reading.coldStarts(slot, targets, connects);
      row[slot.position] = coldRecord(starts);
      const times = starts.map(({ messageNs }) => messageNs);
      if (slot.role === "measured") costs.addColdStarts(slot.name, times);
    }
    const after = await probe.read();
    const { loopDelayP99Ns, publishFailures, firstFailure } = await reading.report();
    const condition = {
      sendDelayP99Ns: 0,
      lateSends: 0,
      loopDelayP99Ns,
      publishFailures,
      firstFailure,
      gatewayLoopDelayP99Ns: after.loopDelayP99Ns,
    };
    return { design, condition, records: [row] };
  });
}

function coldRecord(starts: readonly ColdStart[]): PairRecord {
  return withDistributions({
    expected: starts.length,
    received: starts.length,
    lost: 0,
    duplicates: 0,
    reordered: 0,
    latencies: Float64Array.from(starts, ({ messageNs }) => messageNs),
    services: Float64Array.from(starts, ({ openNs }) => openNs),
  });
}
