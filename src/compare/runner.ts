import { randomBytes } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Histogram } from "../telemetry/histogram.ts";
import { newStampPayload, readStamp, writeSentTime, writeStamp } from "../wire/stamp.ts";
import type { Drivers, Publisher, Reader, Targets } from "./driver/driver.ts";
import { monotonicNs, pace } from "./pacer.ts";
import type { EgressName, IngressName } from "./plan.ts";
import type { PlanPoint } from "./plan-points.ts";
import { type PairRecord, Recorder } from "./recorder.ts";
import { Schedule } from "./schedule.ts";
import { type RunCondition, voidReasons } from "./validity.ts";

/** Between connecting and the first message, so that nothing of the former is measured. */
const LEAD_IN_NS = 200_000_000;
/** After the last expected message, for second copies to show themselves. */
const DUPLICATE_GRACE_MS = 250;
const LOOP_RESOLUTION_MS = 1;

/** What one run found. */
export interface RunResult {
  readonly plan: PlanPoint;
  readonly startedAt: Date;
  readonly pairs: readonly Pair[];
  readonly condition: RunCondition;
  /** Why the numbers mean nothing; empty for a valid run. */
  readonly voidReasons: readonly string[];
  /** What the first failed publish failed of; `null` when none did. */
  readonly firstFailure: string | null;
}

export interface Pair {
  readonly ingress: IngressName;
  readonly egress: EgressName;
  readonly record: PairRecord;
}

/** How far a run is. */
export interface Progress {
  readonly phase: "connecting" | "warm-up" | "measuring" | "settling";
  /** Part of the sending done, 0…1. */
  readonly share: number;
  readonly secondsLeft: number;
}

/** What a run is given beside its plan. */
export interface RunParts {
  readonly targets: Targets;
  readonly drivers: Drivers;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Executes a plan once. Rejects when a connection fails or `signal` ends it. */
export async function runPlan(plan: PlanPoint, parts: RunParts): Promise<RunResult> {
  const run = new Run(plan, parts);
  try {
    return await run.execute();
  } finally {
    await run.close();
  }
}

/** The windows of all blocks in one piece, with one order of subscribing, in seconds. */
function windowOf({ windowSeconds, blocks }: PlanPoint): number {
  return windowSeconds * blocks;
}

class Run {
  readonly #plan: PlanPoint;
  readonly #parts: RunParts;
  readonly #schedule: Schedule;
  readonly #id = randomBytes(4).readUInt32BE();
  readonly #recorders: Recorder[];
  readonly #publishers: Publisher[] = [];
  readonly #readers: Reader[] = [];
  readonly #sendDelay = new Histogram();
  readonly #payload: Uint8Array;
  readonly #abort = new AbortController();
  #failures = 0;
  #firstFailure: string | null = null;
  #isClosing = false;
  #allReceived: () => void = () => undefined;

  constructor(plan: PlanPoint, parts: RunParts) {
    this.#plan = plan;
    this.#parts = parts;
    this.#schedule = new Schedule({
      ...plan,
      publishers: plan.ingress.length,
      windowSeconds: windowOf(plan),
    });
    const { windowStart, shotsPerPublisher } = this.#schedule;
    this.#recorders = plan.egress.map(
      () => new Recorder(plan.ingress.length, windowStart, shotsPerPublisher),
    );
    this.#payload = newStampPayload(plan.payloadBytes);
    parts.signal.addEventListener("abort", () => this.#abort.abort(parts.signal.reason));
    if (parts.signal.aborted) this.#abort.abort(parts.signal.reason);
  }

  async execute(): Promise<RunResult> {
    this.#parts.onProgress({ phase: "connecting", share: 0, secondsLeft: this.#secondsLeft(0) });
    await this.#connect();
    const startedAt = new Date();
    const loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    const received = new Promise<void>((resolve) => {
      this.#allReceived = resolve;
    });
    const startNs = monotonicNs() + LEAD_IN_NS;
    loopDelay.enable();
    const ticker = setInterval(() => this.#tell(startNs), 200);
    try {
      await pace(this.#schedule, startNs, (shot) => this.#send(shot, startNs), this.#abort.signal);
      await this.#settle(received);
    } finally {
      clearInterval(ticker);
      loopDelay.disable();
    }
    // What the monitor records holds its own waiting time.
    const loopDelayP99Ns = Math.max(0, loopDelay.percentile(99) - LOOP_RESOLUTION_MS * 1e6);
    return this.#result(startedAt, loopDelayP99Ns);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled([...this.#publishers, ...this.#readers].map((each) => each.close()));
  }

  async #connect(): Promise<void> {
    const { ingress, egress } = this.#plan;
    const { drivers, targets } = this.#parts;
    const context = (clientId: string) => ({
      targets,
      clientId: `${clientId}-${this.#id.toString(36)}`,
      onFailure: (cause: Error) => {
        if (!this.#isClosing) this.#abort.abort(cause);
      },
    });
    for (const [index, name] of egress.entries()) {
      const onPayload = (payload: Uint8Array, at: number) => this.#receive(index, payload, at);
      const open = drivers.readers[name];
      this.#readers.push(await open(context(`reader-${name}`), this.#topic("+"), onPayload));
    }
    for (const name of ingress) {
      this.#publishers.push(await drivers.publishers[name](context(`publisher-${name}`)));
    }
  }

  #topic(level: string): string {
    return `compare/${this.#id.toString(36)}/${level}`;
  }

  #send(shot: { publisher: number; sequence: number; dueAfterNs: number }, startNs: number): void {
    const publisher = this.#publishers[shot.publisher];
    const ingress = this.#plan.ingress[shot.publisher];
    if (publisher === undefined || ingress === undefined) return;
    // A copy each: a client library may hold a payload until its socket takes it.
    const payload = this.#payload.slice();
    const intendedNs = startNs + shot.dueAfterNs;
    const sentNs = monotonicNs();
    const { publisher: stream, sequence } = shot;
    writeStamp(payload, { run: this.#id, stream, sequence, intendedNs, sentNs });
    if (sequence >= this.#schedule.windowStart) this.#sendDelay.record(sentNs - intendedNs);
    writeSentTime(payload, monotonicNs());
    publisher.publish(this.#topic(ingress), payload).catch((cause: unknown) => {
      this.#failures += 1;
      this.#firstFailure ??= cause instanceof Error ? cause.message : String(cause);
    });
  }

  #receive(reader: number, payload: Uint8Array, receivedAtNs: number): void {
    const stamp = readStamp(payload);
    if (stamp === null || stamp.run !== this.#id) return;
    this.#recorders[reader]?.receive({
      publisher: stamp.stream,
      sequence: stamp.sequence,
      intendedAtNs: stamp.intendedNs,
      sentAtNs: stamp.sentNs,
      receivedAtNs,
    });
    if (this.#recorders.every(({ missing }) => missing === 0)) this.#allReceived();
  }

  /** Waits for what is missing, then a little for what should not come. */
  async #settle(received: Promise<void>): Promise<void> {
    await within(this.#plan.settleSeconds * 1_000, this.#abort.signal, received);
    await within(DUPLICATE_GRACE_MS, this.#abort.signal);
  }

  #secondsLeft(share: number): number {
    return (this.#plan.warmUpSeconds + windowOf(this.#plan)) * (1 - share);
  }

  #tell(startNs: number): void {
    const elapsed = (monotonicNs() - startNs) / this.#schedule.durationNs;
    const share = Math.min(1, Math.max(0, elapsed));
    const warmUp = this.#schedule.windowStart / this.#schedule.shotsPerPublisher;
    const phase = share >= 1 ? "settling" : share < warmUp ? "warm-up" : "measuring";
    this.#parts.onProgress({ phase, share, secondsLeft: this.#secondsLeft(share) });
  }

  #result(startedAt: Date, loopDelayP99Ns: number): RunResult {
    const condition = {
      sendDelayP99Ns: this.#sendDelay.quantile(0.99),
      loopDelayP99Ns,
      publishFailures: this.#failures,
    };
    const { ingress: ingresses, egress: egresses } = this.#plan;
    const pairs = ingresses.flatMap((ingress, publisher) =>
      egresses.flatMap((egress, reader) => {
        const record = this.#recorders[reader]?.pair(publisher);
        return record === undefined ? [] : [{ ingress, egress, record }];
      }),
    );
    return {
      plan: this.#plan,
      startedAt,
      pairs,
      condition,
      voidReasons: voidReasons(
        this.#plan,
        condition,
        pairs.map(({ record }) => record),
      ),
      firstFailure: this.#firstFailure,
    };
  }
}

/** Resolves when `done` does, or after `timeoutMs`; rejects when the run is aborted. */
function within(timeoutMs: number, signal: AbortSignal, done?: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, timeoutMs);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    void done?.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
