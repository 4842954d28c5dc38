import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { CountedSeries, Counters } from "./counters.ts";

/** The gateway's state at the time of a scrape. */
export interface StateReading {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retainedMessages: number;
  readonly logMessages: number;
  readonly logBytes: number;
}

/** Prometheus text of everything counted; values are copied into prom-client only at a scrape. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(counters: Counters, readState: () => StateReading) {
    collectDefaultMetrics({ register: this.#registry });
    this.#counter("messages_received_total", "Messages accepted.", ["transport", "qos"], () =>
      counters.receivedSeries(),
    );
    this.#counter(
      "messages_delivered_total",
      "Messages handed to the kernel.",
      ["ingress", "egress", "qos"],
      () => counters.deliveredSeries(),
    );
    this.#counter(
      "messages_dropped_total",
      "Messages a reader asked for and did not get.",
      ["transport", "reason"],
      () => counters.droppedSeries(),
    );
    this.#counter("messages_refused_total", "Messages refused.", ["transport", "code"], () =>
      counters.refusedSeries(),
    );
    this.#counter(
      "recoveries_total",
      "Readers that resumed from a cursor.",
      ["transport", "result"],
      () => counters.recoveredSeries(),
    );
    this.#gauge("connections", "Open connections.", ["transport"], () =>
      counters.connectionSeries(),
    );
    this.#state("sessions", "Sessions of connected clients.", () => readState().sessions);
    this.#state("subscriptions", "Open subscriptions.", () => readState().subscriptions);
    this.#state("retained_messages", "Retained messages.", () => readState().retainedMessages);
    this.#state("log_messages", "Messages in the log's window.", () => readState().logMessages);
    this.#state("log_bytes", "Payload bytes in the log's window.", () => readState().logBytes);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: string[], read: () => CountedSeries[]): void {
    const counter = new Counter({
      name: `tributary_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        counter.reset();
        for (const { labels, count } of read()) counter.inc(labels, count);
      },
    });
  }

  #gauge(name: string, help: string, labelNames: string[], read: () => CountedSeries[]): void {
    const gauge = new Gauge({
      name: `tributary_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        for (const { labels, count } of read()) gauge.set(labels, count);
      },
    });
  }

  #state(name: string, help: string, read: () => number): void {
    this.#gauge(name, help, [], () => [{ labels: {}, count: read() }]);
  }
}
