import { randomBytes } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { PROFILES, UNSHAPED } from "../network/network-profile.ts";
import { type RoutedNetwork, routeThrough } from "../network/routed-targets.ts";
import { monotonicNs } from "../pacer.ts";
import type { PlanPoint } from "../plan-points.ts";
import { Random } from "../statistics/random.ts";
import type { GatewayUnderFault } from "./crashing-gateway.ts";
import type { FaultTimes } from "./delivery-log.ts";
import { type FaultyReader, faultyReaders } from "./semantics-readers.ts";
import type { Fault, SemanticsPair, SemanticsResult } from "./semantics-result.ts";
import { SemanticsSenders } from "./semantics-senders.ts";

/** A reader's patience with a silent link where the caller names none. */
export const DEFAULT_SILENCE_MS = 5_000;
/** After the last expected message, for second copies to show themselves. */
const DUPLICATE_GRACE_MS = 250;
/** What a reader that should have everything is waited for, once all are connected again. */
const COMPLETION_MS = 2_000;
const LOOP_RESOLUTION_MS = 1;

/** What a run of faults is given beside its point. */
export interface SemanticsParts {
  readonly gateway: GatewayUnderFault;
  readonly signal: AbortSignal;
  readonly silenceMs?: number;
  /** Faults done so far, of how many. */
  readonly onProgress?: (done: number, all: number) => void;
  /** Another build's `network-main.js`. */
  readonly networkMain?: URL;
}

/**
 * Breaks readers' connections, or the gateway, again and again while every ingress publishes at the
 * point's rate, and finds for each pair what was lost, duplicated, reordered and recovered, and how
 * long readers were away. The point's experiment is `reconnect`; each fault waits, at most its
 * `settleSeconds`, until the one before is over. Rejects when nothing can be connected at all, when
 * the gateway is to be killed and is not the run's own, or when `signal` ends it.
 */
export async function runSemantics(
  point: PlanPoint,
  parts: SemanticsParts,
): Promise<SemanticsResult> {
  const { experiment } = point;
  if (experiment.kind !== "reconnect") throw new Error("the plan breaks nothing");
  if (experiment.fault === "gateway-kill" && parts.gateway.crash === null) {
    throw new Error("a gateway that is not the run's own is not killed");
  }
  const route = {
    profile: point.network === "loopback" ? UNSHAPED : PROFILES[point.network],
    ...(parts.networkMain === undefined ? {} : { main: parts.networkMain }),
  };
  const { targets } = parts.gateway;
  // Apart, so that what breaks a reader leaves the publishers alone.
  const reading = await routeThrough(targets, { ...route, seed: point.seed });
  const publishing = await routeThrough(targets, { ...route, seed: point.seed + 1 });
  const run = new SemanticsRun(point, parts, { reading, publishing });
  try {
    return await run.execute(experiment.fault, experiment.faultsPerBlock);
  } finally {
    await run.close();
    await Promise.all([reading.stop(), publishing.stop()]);
  }
}

interface Routes {
  readonly reading: RoutedNetwork;
  readonly publishing: RoutedNetwork;
}

class SemanticsRun {
  readonly #point: PlanPoint;
  readonly #parts: SemanticsParts;
  readonly #routes: Routes;
  readonly #silenceMs: number;
  readonly #random: Random;
  readonly #readers: readonly FaultyReader[];
  readonly #senders: SemanticsSenders;
  readonly #faults: FaultTimes[] = [];
  #onDelivery: () => void = () => undefined;

  constructor(point: PlanPoint, parts: SemanticsParts, routes: Routes) {
    this.#point = point;
    this.#parts = parts;
    this.#routes = routes;
    this.#silenceMs = parts.silenceMs ?? DEFAULT_SILENCE_MS;
    this.#random = new Random(point.seed);
    const run = randomBytes(4).readUInt32BE();
    const base = `compare/${run.toString(36)}`;
    this.#readers = faultyReaders({
      point,
      targets: routes.reading.targets,
      run,
      filter: `${base}/+`,
      silenceMs: this.#silenceMs,
      onDelivery: () => this.#onDelivery(),
    });
    this.#senders = new SemanticsSenders(point, routes.publishing.targets, run, base);
  }

  async execute(fault: Fault, faults: number): Promise<SemanticsResult> {
    const loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    loopDelay.enable();
    for (const { reader } of this.#readers) await reader.start();
    await this.#senders.start();
    const hasBegun = await this.#until(() => this.#everyLog((log) => log.last >= 0));
    for (let done = 0; done < faults && hasBegun; done += 1) {
      this.#parts.onProgress?.(done, faults);
      await this.#pause();
      await this.#strike(fault);
      await this.#until(() => this.#areBack());
    }
    this.#parts.onProgress?.(faults, faults);
    await this.#pause();
    await this.#settle();
    loopDelay.disable();
    const late = loopDelay.percentile(99) - LOOP_RESOLUTION_MS * 1e6;
    return this.#result(fault, faults, Math.max(0, late), hasBegun);
  }

  async close(): Promise<void> {
    await this.#senders.close();
    await Promise.allSettled(this.#readers.map(({ reader }) => reader.close()));
  }

  async #strike(fault: Fault): Promise<void> {
    const { reading, publishing } = this.#routes;
    const { crash } = this.#parts.gateway;
    const proxies = [...reading.network.ports.keys()];
    const fromNs = monotonicNs();
    if (fault === "reset") {
      await Promise.all(proxies.map((proxy) => reading.network.reset(proxy)));
    } else if (fault === "half-open") {
      await Promise.all(proxies.map((proxy) => reading.network.halfOpen(proxy)));
    } else await crash?.kill();
    this.#faults.push({ fromNs, doneNs: monotonicNs() });
    if (fault !== "gateway-kill" || crash === null) return;
    const targets = await crash.restart();
    await Promise.all([reading.retarget(targets), publishing.retarget(targets)]);
  }

  /** Whether every reader has had something that every publisher sent after the last fault. */
  #areBack(): boolean {
    const doneNs = this.#faults.at(-1)?.doneNs ?? 0;
    const { senders } = this.#senders;
    return this.#everyLog((log, index) => log.hasSince(doneNs, senders[index]?.sentNs ?? []));
  }

  #everyLog(holds: (log: FaultyReader["logs"][number], publisher: number) => boolean): boolean {
    return this.#readers.every(({ logs }) => logs.every(holds));
  }

  async #settle(): Promise<void> {
    for (const { reader } of this.#readers) reader.endWatch();
    await this.#senders.finish(this.#point.settleSeconds * 1_000);
    const { senders } = this.#senders;
    const lasts = senders.map(({ publisher }) => publisher.lastAcknowledged);
    // The last message is the marker: what has not come before it, does not come in order.
    await this.#until(() => this.#everyLog((log, index) => log.last >= (lasts[index] ?? -1)));
    const resuming = this.#readers.filter(({ resumption }) => resumption !== "none");
    const hasAll = (): boolean =>
      resuming.every(({ logs }) =>
        logs.every((log, index) => {
          const acknowledged = senders[index]?.publisher.acknowledged ?? new Set();
          return [...acknowledged].every((sequence) => log.has(sequence));
        }),
      );
    await this.#until(hasAll, COMPLETION_MS);
    await this.#wait(DUPLICATE_GRACE_MS);
  }

  /** Between a quarter of a second and three quarters, so that faults do not keep step with anything. */
  #pause(): Promise<void> {
    return this.#wait(250 + 500 * this.#random.next());
  }

  #wait(ms: number): Promise<void> {
    return this.#until(() => false, ms).then(() => undefined);
  }

  /** Resolves to whether the condition came to hold in time; asked at every delivery. */
  #until(holds: () => boolean, timeoutMs = this.#point.settleSeconds * 1_000): Promise<boolean> {
    const { signal } = this.#parts;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        this.#onDelivery = () => undefined;
      };
      const stop = (): void => {
        end();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        end();
        resolve(holds());
      }, timeoutMs);
      signal.addEventListener("abort", stop);
      this.#onDelivery = () => {
        if (!holds()) return;
        end();
        resolve(true);
      };
      if (signal.aborted) stop();
      else this.#onDelivery();
    });
  }

  #result(
    fault: Fault,
    faults: number,
    loopDelayP99Ns: number,
    hasBegun: boolean,
  ): SemanticsResult {
    const limitMs = this.#point.validity.maxLoopDelayMs;
    const voidReasons: string[] = [];
    if (!hasBegun) voidReasons.push("not every pair delivered anything before the first fault");
    if (loopDelayP99Ns > limitMs * 1e6) {
      voidReasons.push(`the event loop of the load was ${limitMs} ms late or more`);
    }
    return {
      fault,
      faults,
      silenceMs: this.#silenceMs,
      seed: this.#point.seed,
      publishers: this.#senders.senders.map(({ ingress, publisher }) => ({
        ingress,
        acknowledged: publisher.acknowledged.size,
        repeated: publisher.repeated,
        unacknowledged: publisher.unacknowledged,
      })),
      pairs: this.#pairs(),
      loopDelayP99Ns,
      voidReasons,
    };
  }

  #pairs(): SemanticsPair[] {
    return this.#senders.senders.flatMap(({ ingress, publisher, sentNs }, index) =>
      this.#readers.flatMap(({ egress, resumption, reader, logs }) => {
        const log = logs[index];
        if (log === undefined) return [];
        const { acknowledged } = publisher;
        const befell = { openedNs: reader.openedNs, faults: this.#faults };
        return [{ ingress, egress, resumption, ...log.findings({ sentNs, acknowledged }, befell) }];
      }),
    );
  }
}
