import type { QoS, TransportName } from "../bus/message.ts";
import type { Counters } from "./counters.ts";
import { Histogram } from "./histogram.ts";
import { pairAt, pairPlaceOf, placeOf, TRANSPORT_COUNT, transportAt } from "./transport-place.ts";

const NANOSECONDS = 1e6;

/** One distribution with the labels it is exported under. */
export interface TimedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly histogram: Histogram;
}

/** Messages of one kind that left in one write. Times are milliseconds since the Unix epoch. */
export interface DeliveryRun {
  readonly ingress: TransportName;
  readonly egress: TransportName;
  readonly qos: QoS;
  readonly count: number;
  /** 0 when the messages were not live: they are counted and not timed. */
  readonly receivedAt: number;
  readonly acceptedAt: number;
}

/** Acknowledgements to publishers that left in one write, for bytes read at `receivedAt`. */
export interface AcknowledgementRun {
  readonly transport: TransportName;
  readonly count: number;
  readonly receivedAt: number;
}

/** What stages a delivery has, in their order; their times add up to that of the delivery. */
export const STAGES = ["ingress", "bus", "egress"] as const;

/**
 * How long deliveries took, by pair of transports and by stage, and how long publishers waited for
 * their acknowledgement. It is told of whole runs, whose messages share their times, so that a
 * message costs a fraction of the four histogram cells a run costs.
 */
export class Deliveries {
  readonly #counters: Counters;
  readonly #pairs: (Histogram | undefined)[] = new Array(TRANSPORT_COUNT * TRANSPORT_COUNT);
  readonly #acknowledgements: (Histogram | undefined)[] = new Array(TRANSPORT_COUNT);
  readonly #ingress = new Histogram();
  readonly #bus = new Histogram();
  readonly #egress = new Histogram();
  /** The pair of the run before this one, which is nearly always that of this one, too. */
  #lastIngress: TransportName = "http";
  #lastEgress: TransportName = "http";
  #lastPair = pairPlaceOf("http", "http");

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /**
   * The first `used` of the runs were taken from their queues at `takenAt` and are with the kernel at
   * `now`.
   */
  delivered(runs: readonly DeliveryRun[], used: number, takenAt: number, now: number): void {
    let timed = 0;
    for (let i = 0; i < used; i += 1) {
      const run = runs[i];
      if (run === undefined) continue;
      const { count, receivedAt, acceptedAt } = run;
      const pair = this.#pairOf(run);
      this.#counters.delivered(pair, run.qos, count);
      if (receivedAt === 0) continue;
      this.#pairs[pair] ??= new Histogram();
      this.#pairs[pair].record((now - receivedAt) * NANOSECONDS, count);
      this.#ingress.record((acceptedAt - receivedAt) * NANOSECONDS, count);
      this.#bus.record((takenAt - acceptedAt) * NANOSECONDS, count);
      timed += count;
    }
    if (timed > 0) this.#egress.record((now - takenAt) * NANOSECONDS, timed);
  }

  acknowledged({ transport, count, receivedAt }: AcknowledgementRun, now: number): void {
    const place = placeOf(transport);
    this.#acknowledgements[place] ??= new Histogram();
    this.#acknowledgements[place].record((now - receivedAt) * NANOSECONDS, count);
  }

  /** Bytes parsed → handed to the kernel, by `ingress` and `egress`; pairs that delivered. */
  pairSeries(): TimedSeries[] {
    const series: TimedSeries[] = [];
    for (const [place, histogram] of this.#pairs.entries()) {
      if (histogram === undefined) continue;
      series.push({ labels: pairAt(place), histogram });
    }
    return series;
  }

  /** The same time, cut at acceptance and at the moment the message was taken from its queue. */
  stageSeries(): TimedSeries[] {
    const histograms = { ingress: this.#ingress, bus: this.#bus, egress: this.#egress };
    return STAGES.map((stage) => ({ labels: { stage }, histogram: histograms[stage] }));
  }

  /** Bytes parsed → acknowledgement handed to the kernel, by `transport`. */
  acknowledgementSeries(): TimedSeries[] {
    const series: TimedSeries[] = [];
    for (const [place, histogram] of this.#acknowledgements.entries()) {
      if (histogram !== undefined) {
        series.push({ labels: { transport: transportAt(place) }, histogram });
      }
    }
    return series;
  }
  #pairOf({ ingress, egress }: DeliveryRun): number {
    if (ingress !== this.#lastIngress || egress !== this.#lastEgress) {
      this.#lastIngress = ingress;
      this.#lastEgress = egress;
      this.#lastPair = pairPlaceOf(ingress, egress);
    }
    return this.#lastPair;
  }
}
