import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { CountedSeries } from "./counters.ts";
import { Histogram } from "./histogram.ts";
import type { Telemetry } from "./telemetry.ts";

const SAMPLE_EVERY_MS = 1_000;

/** Rates are over this long: shorter ones jump, longer ones are late. */
const RATE_SAMPLES = 10;

/** Percentiles are of the last five to six of these: 50 to 60 s. */
const WINDOW_MS = 10_000;
const WINDOWS = 6;

/** Resolution of the event loop's delay, milliseconds: each look wakes the process up. */
const DELAY_RESOLUTION_MS = 20;

const NANOSECONDS = 1e6;

/** Messages or bytes a second, by label. */
export type Rates = Readonly<Record<string, number>>;

/** How long live deliveries of one pair took lately, milliseconds. */
export interface PairLatency {
  readonly ingress: string;
  readonly egress: string;
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What the gateway has been doing lately. */
export interface ActivityReport {
  readonly rates: {
    /** What the rates are an average over; 0 before the second sample. */
    readonly seconds: number;
    /** Messages from publishers, by transport. */
    readonly received: Rates;
    /** Messages to readers, by transport. */
    readonly delivered: Rates;
    /** Bytes at the sockets, by transport and direction, such as `mqtt in`. */
    readonly bytes: Rates;
  };
  /** Of the last minute, at most. */
  readonly latencyMs: readonly PairLatency[];
  /** Since the start, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** How late the event loop was, milliseconds, in the last 10 s at most. */
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly rssBytes: number;
}

interface Sample {
  readonly at: number;
  readonly received: Rates;
  readonly delivered: Rates;
  readonly bytes: Rates;
}

/** Watches the counters, so that a report can say what is going on now and not only since the start. */
export class Activity {
  readonly #telemetry: Telemetry;
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  #samples: Sample[] = [];
  /** Copies of the pairs' histograms, oldest first; the first is empty. */
  #windows: ReadonlyMap<string, Histogram>[] = [new Map()];
  #windowAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  start(): void {
    this.#delay.enable();
    this.#windowAt = performance.now();
    this.#samples = [this.#sample()];
    this.#timer = setInterval(() => this.#tick(), SAMPLE_EVERY_MS);
    // What is watched must not be kept alive by being watched.
    this.#timer.unref();
  }

  /** Idempotent. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#delay.disable();
  }

  report(): ActivityReport {
    const latest = this.#sample();
    const oldest = this.#samples[0] ?? latest;
    const seconds = (latest.at - oldest.at) / 1_000;
    const rate = (now: Rates, before: Rates): Rates =>
      Object.fromEntries(
        Object.entries(now).map(([name, count]) => [
          name,
          seconds === 0 ? 0 : rounded((count - (before[name] ?? 0)) / seconds),
        ]),
      );
    return {
      rates: {
        seconds: rounded(seconds),
        received: rate(latest.received, oldest.received),
        delivered: rate(latest.delivered, oldest.delivered),
        bytes: rate(latest.bytes, oldest.bytes),
      },
      latencyMs: this.#latencies(),
      drops: summed(this.#telemetry.counters.droppedSeries(), (labels) => labels.reason),
      eventLoopDelayMs: this.#delays(),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  #tick(): void {
    this.#samples.push(this.#sample());
    if (this.#samples.length > RATE_SAMPLES) this.#samples.shift();
    if (performance.now() - this.#windowAt < WINDOW_MS) return;
    this.#windowAt = performance.now();
    this.#delay.reset();
    const copies = this.#telemetry.deliveries
      .pairSeries()
      .map(({ labels, histogram }) => [pairOf(labels), histogram.copy()] as const);
    this.#windows.push(new Map(copies));
    if (this.#windows.length > WINDOWS) this.#windows.shift();
  }

  #sample(): Sample {
    const { counters, wire } = this.#telemetry;
    return {
      at: performance.now(),
      received: summed(counters.receivedSeries(), (labels) => labels.transport),
      delivered: summed(counters.deliveredSeries(), (labels) => labels.egress),
      bytes: summed(wire.series(), (labels) => `${labels.transport} ${labels.direction}`),
    };
  }

  #latencies(): PairLatency[] {
    const [before] = this.#windows;
    const latencies: PairLatency[] = [];
    for (const { labels, histogram } of this.#telemetry.deliveries.pairSeries()) {
      const lately = histogram.since(before?.get(pairOf(labels)) ?? new Histogram());
      if (lately.count === 0) continue;
      const ms = (quantile: number): number => rounded(lately.quantile(quantile) / NANOSECONDS);
      const { ingress = "", egress = "" } = labels;
      const { count } = lately;
      latencies.push({
        ingress,
        egress,
        count,
        p50: ms(0.5),
        p95: ms(0.95),
        p99: ms(0.99),
        max: ms(1),
      });
    }
    return latencies;
  }

  #delays(): ActivityReport["eventLoopDelayMs"] {
    // What is measured is the time between two looks, of which all but the rest was wanted.
    const ms = (nanoseconds: number): number =>
      Math.max(0, rounded(nanoseconds / NANOSECONDS - DELAY_RESOLUTION_MS));
    const delay = this.#delay;
    if (delay.count === 0) return { p50: 0, p99: 0, max: 0 };
    return { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) };
  }
}

function pairOf(labels: Readonly<Record<string, string>>): string {
  return `${labels.ingress} ${labels.egress}`;
}

function summed(
  series: readonly CountedSeries[],
  nameOf: (labels: Readonly<Record<string, string>>) => string | undefined,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, count } of series) {
    const name = nameOf(labels) ?? "";
    sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

/** To the thousandth: a microsecond, where it is milliseconds. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
