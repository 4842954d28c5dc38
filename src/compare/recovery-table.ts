import type { RecoveryResult } from "./comparison-result.ts";
import type { Recovery } from "./load.ts";
import type { EgressName } from "./plan.ts";
import { median } from "./statistics/summary.ts";

/** How the readers of each egress came back. */
export class RecoveryTable {
  readonly #byEgress = new Map<EgressName, Recovery[]>();

  add(egress: EgressName, recovery: Recovery): void {
    const known = this.#byEgress.get(egress);
    if (known === undefined) this.#byEgress.set(egress, [recovery]);
    else known.push(recovery);
  }

  results(): RecoveryResult[] {
    return [...this.#byEgress].map(([egress, recoveries]) => {
      const opened = recoveries.flatMap(({ openNs }) => openNs ?? []);
      const reached = recoveries.flatMap(({ messageNs }) => messageNs ?? []);
      return {
        egress,
        resets: recoveries.length,
        reopened: opened.length,
        recovered: reached.length,
        medianOpenNs: opened.length === 0 ? null : median(opened),
        medianMessageNs: reached.length === 0 ? null : median(reached),
        worstMessageNs: reached.length === 0 ? null : Math.max(...reached),
      };
    });
  }
}
