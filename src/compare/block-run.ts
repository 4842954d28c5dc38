import { randomInt } from "node:crypto";
import type { BlockObservation } from "./analysis.ts";
import type { Block, PublisherSlot, ReaderSlot } from "./block-design.ts";
import type { Targets } from "./driver/driver.ts";
import type { GatewayReading } from "./gateway-probe.ts";
import type { GatewayUnderTest } from "./gateway-under-test.ts";
import type { BlockSetup, Disturbance, LoadReport, Recovery } from "./load.ts";
import { distinctLoads, type Loads } from "./loads.ts";
import { monotonicNs, type Pacing } from "./pacer.ts";
import type { PlanPoint } from "./plan-points.ts";
import { factorsOf } from "./plan-points.ts";
import { type PairRecord, withDistributions } from "./recorder.ts";

/** Between the last connection and the first message: the order to begin must reach every process. */
const START_AFTER_NS = 50e6;
/** Messages before the window, at least so many seconds of them and so many batches. */
const LEAD_IN_SECONDS = 0.1;
const LEAD_IN_BATCHES = 2;

/** How a block differs from the plan's own. */
export interface BlockOptions {
  readonly windowSeconds?: number;
  readonly leadInSeconds?: number;
  readonly pacing?: Pacing;
  readonly disturbance?: Disturbance;
  /** Where each connection goes; the gateway itself unless something stands in between. */
  readonly targetsOf?: (slot: PublisherSlot | ReaderSlot) => Targets;
  /** Called when all connections stand and nothing has been sent. */
  readonly onConnected?: () => void;
  /** Called when everything has arrived and all connections still stand. */
  readonly onSettled?: () => void;
  /** Of the kernel alone, so that the asking costs the gateway nothing. */
  readonly isQuiet?: boolean;
}

/** What came of one block. */
export interface BlockOutcome {
  readonly observation: BlockObservation;
  readonly recoveries: readonly Recovery[];
  /** Of the gateway, from the first message to the last; `null` where it cannot be told. */
  readonly gatewayCpuMicroseconds: number | null;
  /** Of all load processes. */
  readonly clientCpuMicroseconds: number;
  readonly seconds: number;
}

/** Runs blocks of one point against one gateway. */
export class BlockRunner {
  readonly #point: PlanPoint;
  readonly #gateway: GatewayUnderTest;
  readonly #loads: Loads;
  readonly #signal: AbortSignal;

  constructor(point: PlanPoint, gateway: GatewayUnderTest, loads: Loads, signal: AbortSignal) {
    this.#point = point;
    this.#gateway = gateway;
    this.#loads = loads;
    this.#signal = signal;
  }

  /** Connects, sends, waits and closes. Rejects when a connection is refused or the run is ended. */
  async run(design: Block, options: BlockOptions = {}): Promise<BlockOutcome> {
    const setup = this.setup(design, options);
    return this.within(setup, async () => {
      await this.#connect(setup, options.targetsOf ?? (() => this.#gateway.targets));
      options.onConnected?.();
      const outcome = await this.#measure(setup, options.isQuiet === true);
      options.onSettled?.();
      return outcome;
    });
  }

  /** Has every process of the load begin a block, and end it whatever comes of `work`. */
  async within<Value>(setup: BlockSetup, work: () => Promise<Value>): Promise<Value> {
    const loads = distinctLoads(this.#loads);
    const signal = this.#signal;
    signal.throwIfAborted();
    await Promise.all(loads.map((load) => load.begin(setup)));
    let stop: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener("abort", stop);
    });
    try {
      return await Promise.race([work(), aborted]);
    } finally {
      signal.removeEventListener("abort", stop);
      await Promise.allSettled(loads.map((load) => load.end()));
    }
  }

  setup(design: Block, options: BlockOptions = {}): BlockSetup {
    const point = this.#point;
    const batchSeconds = point.batchSize / point.ratePerSecond;
    return {
      run: randomInt(2 ** 32),
      design,
      factors: factorsOf(point),
      payloadBytes: point.payloadBytes,
      seed: point.seed,
      ratePerSecond: point.ratePerSecond,
      batchSize: point.batchSize,
      leadInSeconds:
        options.leadInSeconds ?? Math.max(LEAD_IN_SECONDS, LEAD_IN_BATCHES * batchSeconds),
      windowSeconds: options.windowSeconds ?? point.windowSeconds,
      pacing: options.pacing ?? "to the microsecond",
      lateNs: point.validity.maxSendDelayMs * 1e6,
      disturbance: options.disturbance ?? { kind: "none" },
    };
  }

  async #connect(
    { design, disturbance }: BlockSetup,
    targetsOf: (slot: PublisherSlot | ReaderSlot) => Targets,
  ): Promise<void> {
    const { publishing, reading } = this.#loads;
    if (disturbance.kind === "pause") await reading.openPaused(this.#gateway.targets);
    // One after the other: the order of subscribing is part of the design.
    for (const slot of design.readers) await reading.openReader(slot, targetsOf(slot));
    for (const slot of design.publishers) await publishing.openPublisher(slot, targetsOf(slot));
  }

  async #measure(setup: BlockSetup, isQuiet: boolean): Promise<BlockOutcome> {
    const { publishing, reading } = this.#loads;
    const { probe } = this.#gateway;
    const read = (): Promise<GatewayReading> => (isQuiet ? probe.readQuietly() : probe.read());
    const before = await read();
    const startNs = monotonicNs() + START_AFTER_NS;
    const [sent] = await Promise.all([
      publishing.run(startNs),
      reading === publishing ? null : reading.run(startNs),
    ]);
    await reading.settle(this.#point.settleSeconds * 1_000);
    const after = await read();
    const seconds = (monotonicNs() - startNs) / 1e9;
    const reports = await Promise.all(distinctLoads(this.#loads).map((load) => load.report()));
    const condition = {
      ...sent,
      ...worst(reports),
      gatewayLoopDelayP99Ns: after.loopDelayP99Ns,
    };
    return {
      observation: { design: setup.design, condition, records: recordsOf(setup.design, reports) },
      recoveries: reports.flatMap(({ recoveries }) => recoveries),
      gatewayCpuMicroseconds: difference(after.cpuMicroseconds, before.cpuMicroseconds),
      clientCpuMicroseconds: reports.reduce((sum, each) => sum + each.cpuMicroseconds, 0),
      seconds,
    };
  }
}

function worst(reports: readonly LoadReport[]) {
  return {
    loopDelayP99Ns: Math.max(...reports.map((report) => report.loopDelayP99Ns)),
    publishFailures: reports.reduce((sum, report) => sum + report.publishFailures, 0),
    firstFailure: reports.find((report) => report.firstFailure !== null)?.firstFailure ?? null,
  };
}

/** By position of the publisher, then of the reader, from whichever process had the reader. */
function recordsOf(
  { publishers, readers }: Block,
  reports: readonly LoadReport[],
): (PairRecord | undefined)[][] {
  return publishers.map((_, publisher) =>
    readers.map(({ position }) => {
      for (const { records } of reports) {
        const record = records[position]?.[publisher];
        if (record !== undefined) return withDistributions(record);
      }
      return undefined;
    }),
  );
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}
