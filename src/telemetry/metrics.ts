import { collectDefaultMetrics, Registry } from "prom-client";
import { exposeCounts, exposeTimes } from "./exposition.ts";
import type { Telemetry } from "./telemetry.ts";

/** The gateway's state at the time of a scrape. */
export interface StateReading {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  readonly logMessages: number;
  readonly logBytes: number;
  /** Of the TLS listeners: when each expires, in milliseconds since the Unix epoch. */
  readonly certificates: readonly { readonly transport: string; readonly notAfter: number }[];
}

/** What is running. */
export interface BuildReading {
  readonly version: string;
  /** Of Node. */
  readonly node: string;
}

/** Gauges that prom-client names `…_total`, which only counters may be (promtool check metrics). */
const MISNAMED_DEFAULTS = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/**
 * Everything counted and timed, as Prometheus text. Values are read when somebody scrapes; the
 * process's own, such as processor time, memory and event-loop delay, come from prom-client.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #telemetry: Telemetry;
  readonly #readState: () => StateReading;
  readonly #build: BuildReading;

  constructor(telemetry: Telemetry, readState: () => StateReading, build: BuildReading) {
    this.#telemetry = telemetry;
    this.#readState = readState;
    this.#build = build;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED_DEFAULTS) this.#registry.removeSingleMetric(name);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#counts() + this.#times() + this.#state() + (await this.#registry.metrics());
  }

  #counts(): string {
    const { counters, wire } = this.#telemetry;
    return [
      exposeCounts("messages_received_total", counters.receivedSeries()),
      exposeCounts("messages_delivered_total", counters.deliveredSeries()),
      exposeCounts("messages_dropped_total", counters.droppedSeries()),
      exposeCounts("messages_refused_total", counters.refusedSeries()),
      exposeCounts("recoveries_total", counters.recoveredSeries()),
      exposeCounts("connections", counters.connectionSeries()),
      exposeCounts("wire_bytes_total", wire.series()),
    ].join("");
  }

  #times(): string {
    const { deliveries } = this.#telemetry;
    return [
      exposeTimes("delivery_seconds", deliveries.pairSeries()),
      exposeTimes("stage_seconds", deliveries.stageSeries()),
      exposeTimes("publish_ack_seconds", deliveries.acknowledgementSeries()),
      exposeTimes("poll_hold_seconds", this.#telemetry.holdSeries()),
    ].join("");
  }

  #state(): string {
    const state = this.#readState();
    const one = (count: number) => [{ labels: {}, count }];
    const expiries = state.certificates.map(({ transport, notAfter }) => ({
      labels: { transport },
      count: notAfter / 1_000,
    }));
    return [
      exposeCounts("sessions", one(state.sessions)),
      exposeCounts("subscriptions", one(state.subscriptions)),
      exposeCounts("retained_messages", one(state.retainedMessages)),
      exposeCounts("retained_bytes", one(state.retainedBytes)),
      exposeCounts("log_messages", one(state.logMessages)),
      exposeCounts("log_bytes", one(state.logBytes)),
      exposeCounts("certificate_not_after_seconds", expiries),
      exposeCounts("build_info", [{ labels: { ...this.#build }, count: 1 }]),
    ].join("");
  }
}
