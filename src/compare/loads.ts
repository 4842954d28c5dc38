import type { Load } from "./load.ts";
import { LoadProcess } from "./load-process.ts";

/** The processes of the load: who publishes and who reads, which may be one and the same. */
export interface Loads {
  readonly publishing: Load;
  readonly reading: Load;
}

/**
 * Below it, publisher and reader take turns on the one processor that the gateway leaves: two
 * processes would only add their switching to every latency.
 */
const CORES_FOR_TWO = 3;

/** Starts the processes that a host of so many cores has room for. */
export function startLoads(cores: number): Loads {
  const publishing = new LoadProcess();
  return { publishing, reading: cores < CORES_FOR_TWO ? publishing : new LoadProcess() };
}

/** Each process once. */
export function distinctLoads({ publishing, reading }: Loads): readonly Load[] {
  return publishing === reading ? [publishing] : [publishing, reading];
}
