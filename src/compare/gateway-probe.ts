import { readdir, readFile } from "node:fs/promises";
import type { Targets } from "./driver/driver.ts";
import { DEFAULT_FACTORS } from "./plan-factors.ts";
import { agentOf, exchange } from "./driver/http-exchange.ts";

/** What a gateway says of itself; `null` is what it does not say. */
export interface GatewayReading {
  /** 99th percentile of its event loop's delay since the reading before, nanoseconds. */
  readonly loopDelayP99Ns: number | null;
  /** Processor time since it started, microseconds. */
  readonly cpuMicroseconds: number | null;
  readonly residentBytes: number | null;
}

export const NO_READING: GatewayReading = {
  loopDelayP99Ns: null,
  cpuMicroseconds: null,
  residentBytes: null,
};

/** The metrics' event-loop monitor samples every 10 ms, and its figures hold that wait. */
const LOOP_RESOLUTION_NS = 10e6;
const PAGE_BYTES = 4_096;

/** Reads the state of the gateway under test: from its metrics, and from the kernel where it is ours. */
export class GatewayProbe {
  readonly #targets: Targets;
  readonly #pid: number | null;

  /** @param pid of a gateway on this host, whose processor time the kernel knows for nothing. */
  constructor(targets: Targets, pid: number | null) {
    this.#targets = targets;
    this.#pid = pid;
  }

  /** Everything; asking costs the gateway an exposition of its metrics. */
  async read(): Promise<GatewayReading> {
    const text = await this.#metrics();
    const value = (name: string): number | null => {
      const found = new RegExp(`^${name} (\\S+)$`, "m").exec(text ?? "")?.[1];
      return found === undefined ? null : Number(found);
    };
    const delay = value("nodejs_eventloop_lag_p99_seconds");
    const seconds = value("process_cpu_seconds_total");
    return {
      loopDelayP99Ns: delay === null ? null : Math.max(0, delay * 1e9 - LOOP_RESOLUTION_NS),
      cpuMicroseconds: (await this.#kernelCpu()) ?? (seconds === null ? null : seconds * 1e6),
      residentBytes: (await this.#kernelResident()) ?? value("process_resident_memory_bytes"),
    };
  }

  /** As {@link read}, without asking the gateway where the kernel can tell. */
  async readQuietly(): Promise<GatewayReading> {
    const cpuMicroseconds = await this.#kernelCpu();
    if (cpuMicroseconds === null) return this.read();
    return { loopDelayP99Ns: null, cpuMicroseconds, residentBytes: await this.#kernelResident() };
  }

  async #metrics(): Promise<string | null> {
    if (this.#targets.httpUrl === "") return null;
    const context = {
      targets: this.#targets,
      factors: { ...DEFAULT_FACTORS, connections: "per-request" as const },
      clientId: "probe",
      onFailure: () => undefined,
    };
    const agent = agentOf(context);
    const url = `${this.#targets.httpUrl}/metrics`;
    // A gateway that keeps its metrics to itself, or is gone, is one that cannot be asked.
    const answer = await exchange(agent, url, { method: "GET" }, AbortSignal.timeout(5_000)).catch(
      () => null,
    );
    return answer?.status === 200 ? answer.text : null;
  }

  /** Time on a processor by the scheduler's own count, nanoseconds, over all threads (Linux). */
  async #kernelCpu(): Promise<number | null> {
    if (this.#pid === null) return null;
    const threads = `/proc/${this.#pid}/task`;
    try {
      const names = await readdir(threads);
      const times = await Promise.all(
        names.map(async (name) =>
          Number((await readFile(`${threads}/${name}/schedstat`, "utf8")).split(" ")[0]),
        ),
      );
      return times.reduce((sum, time) => sum + time, 0) / 1_000;
    } catch {
      // Another system, or a kernel without this count: the metrics are asked instead.
      return null;
    }
  }

  async #kernelResident(): Promise<number | null> {
    if (this.#pid === null) return null;
    try {
      const pages = (await readFile(`/proc/${this.#pid}/statm`, "utf8")).split(" ")[1];
      return Number(pages) * PAGE_BYTES;
    } catch {
      // As above.
      return null;
    }
  }
}
