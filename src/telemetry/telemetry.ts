import type { Clock } from "../bus/clock.ts";
import type { QoS, TransportName } from "../bus/message.ts";
import type { BusObserver, DropReason, GapReason } from "../bus/ports.ts";
import { Counters } from "./counters.ts";
import { Deliveries, type TimedSeries } from "./deliveries.ts";
import { HandOver, type PendingHandOver } from "./hand-over.ts";
import { Histogram } from "./histogram.ts";
import { StoreCounters } from "./store-counters.ts";
import { readClock } from "./tick-clock.ts";
import { type CountedSocket, WireBytes } from "./wire-bytes.ts";

/** How the hold of a poll ended; `abandoned` is a client that went away. */
export const HOLD_OUTCOMES = [
  "messages",
  "empty",
  "gap",
  "refused",
  "draining",
  "abandoned",
] as const;

/** One of {@link HOLD_OUTCOMES}. */
export type HoldOutcome = (typeof HOLD_OUTCOMES)[number];

const NANOSECONDS = 1e6;

/** Where telemetry takes the time from. */
export interface TelemetryTime {
  /** May step once a callback. */
  readonly clock: Clock;
  /** The time of this moment, on the same scale. */
  readNow(): number;
}

const SYSTEM_TIME: TelemetryTime = { clock: { now: readClock }, readNow: readClock };

/**
 * Everything that is counted and timed, as the bus and the transports report it. Nothing is formatted
 * before somebody asks.
 */
export class Telemetry implements BusObserver {
  readonly counters = new Counters();
  readonly deliveries = new Deliveries(this.counters);
  readonly wire = new WireBytes();
  readonly store = new StoreCounters();
  readonly #handOver: HandOver;
  readonly #time: TelemetryTime;
  readonly #holds = new Map<HoldOutcome, Histogram>();

  constructor(time: TelemetryTime = SYSTEM_TIME) {
    this.#time = time;
    this.#handOver = new HandOver(this.deliveries, time.clock, () => time.readNow());
  }

  readNow(): number {
    return this.#time.readNow();
  }

  accepted(transport: TransportName, qos: QoS): void {
    this.counters.accepted(transport, qos);
  }

  refused(transport: TransportName, code: string): void {
    this.counters.refused(transport, code);
  }

  dropped(transport: TransportName, reason: DropReason, count: number): void {
    this.counters.dropped(transport, reason, count);
  }

  recovered(transport: TransportName, result: "complete" | GapReason): void {
    this.counters.recovered(transport, result);
  }

  connected(transport: TransportName): void {
    this.counters.connected(transport);
  }

  disconnected(transport: TransportName): void {
    this.counters.disconnected(transport);
  }

  delivered(
    ingress: TransportName,
    egress: TransportName,
    qos: QoS,
    receivedAt: number,
    acceptedAt: number,
    count = 1,
  ): void {
    this.#handOver.add(ingress, egress, qos, receivedAt, acceptedAt, count);
  }

  deliveredLate(ingress: TransportName, egress: TransportName, qos: QoS): void {
    this.#handOver.add(ingress, egress, qos, 0, 0, 1);
  }

  acknowledged(transport: TransportName, receivedAt: number, count: number): void {
    this.#handOver.acknowledge({ transport, receivedAt, count });
  }

  handedOver(): void {
    this.#handOver.complete();
  }

  handOverLater(): PendingHandOver | null {
    return this.#handOver.postpone();
  }

  discarded(): void {
    this.#handOver.discard();
  }

  held(outcome: HoldOutcome, heldMs: number): void {
    let histogram = this.#holds.get(outcome);
    if (histogram === undefined) {
      histogram = new Histogram();
      this.#holds.set(outcome, histogram);
    }
    histogram.record(heldMs * NANOSECONDS);
  }

  carries(socket: CountedSocket, transport: TransportName): void {
    this.wire.carries(socket, transport);
  }

  closed(socket: CountedSocket): void {
    this.wire.closed(socket);
  }

  /** How long polls were held, by `outcome`. */
  holdSeries(): TimedSeries[] {
    return [...this.#holds].map(([outcome, histogram]) => ({ labels: { outcome }, histogram }));
  }
}
