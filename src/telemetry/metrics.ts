import { collectDefaultMetrics, Registry } from "prom-client";
import { STORE_FAULT_KINDS, type StoreState } from "../bus/store-port.ts";
import type { CountedSeries } from "./counters.ts";
import { exposeCounts, exposeSizes, exposeTimes } from "./exposition.ts";
import type { Telemetry } from "./telemetry.ts";

/** The gateway's state at the time of a scrape. */
export interface StateReading {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  readonly logMessages: number;
  readonly logBytes: number;
  readonly store: StoreState;
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
    const state = this.#readState();
    const own = this.#counts() + this.#times() + this.#state(state) + this.#store(state.store);
    return own + (await this.#registry.metrics());
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

  #state(state: StateReading): string {
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

  #store(state: StoreState): string {
    const { commitTimes, commitMessages, writtenBytes } = this.#telemetry.store;
    const { oldestAcceptedAt, fault } = state;
    const age = (this.#telemetry.readNow() - (oldestAcceptedAt ?? 0)) / 1_000;
    const faults = STORE_FAULT_KINDS.map((reason) => ({
      labels: { reason },
      count: fault?.kind === reason ? 1 : 0,
    }));
    return [
      exposeTimes("store_commit_seconds", [{ labels: {}, histogram: commitTimes }]),
      exposeSizes("store_commit_messages", [{ labels: {}, histogram: commitMessages }]),
      exposeCounts("store_written_bytes_total", one(writtenBytes)),
      exposeCounts("store_errors_total", this.#telemetry.store.errorSeries()),
      exposeCounts("store_fault", faults),
      exposeCounts("store_log_messages", one(state.logMessages)),
      exposeCounts("store_log_bytes", one(state.logBytes)),
      exposeCounts("store_file_bytes", one(state.fileBytes)),
      // A clock that was set back makes no message younger than now.
      exposeCounts(
        "store_oldest_message_seconds",
        oldestAcceptedAt === null ? [] : one(Math.max(0, age)),
      ),
      exposeCounts("store_pending_bytes", one(state.pendingBytes)),
      exposeCounts("store_recovery_seconds", one(state.recoverySeconds)),
    ].join("");
  }
}

function one(count: number): readonly CountedSeries[] {
  return [{ labels: {}, count }];
}
