import { type QoS, TRANSPORTS, type TransportName } from "../bus/message.ts";
import type { BusObserver, DropReason, GapReason } from "../bus/ports.ts";
import { placeOf, TRANSPORT_COUNT, transportAt } from "./transport-place.ts";

const QOS_COUNT = 3;

/** One counter with the labels it is exported under. */
export interface CountedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
}

/**
 * What the gateway counts while it works. Counting is an addition in an array or, for rare things,
 * in a small map; nothing is formatted until somebody scrapes.
 */
export class Counters implements BusObserver {
  #lastReceived: TransportName = "mqtt";
  #receivedPlace = placeOf("mqtt") * QOS_COUNT;
  readonly #received = new Float64Array(TRANSPORT_COUNT * QOS_COUNT);
  readonly #delivered = new Float64Array(TRANSPORT_COUNT * TRANSPORT_COUNT * QOS_COUNT);
  readonly #connections = new Float64Array(TRANSPORT_COUNT);
  /** Keyed by labels joined with a space: names of transports, reasons and codes hold none. */
  readonly #dropped = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #recovered = new Map<string, number>();

  accepted(transport: TransportName, qos: QoS): void {
    // Messages come in runs of one transport.
    if (transport !== this.#lastReceived) {
      this.#lastReceived = transport;
      this.#receivedPlace = placeOf(transport) * QOS_COUNT;
    }
    const place = this.#receivedPlace + qos;
    this.#received[place] = (this.#received[place] ?? 0) + 1;
  }

  refused(transport: TransportName, code: string): void {
    add(this.#refused, `${transport} ${code}`, 1);
  }

  dropped(transport: TransportName, reason: DropReason, count: number): void {
    add(this.#dropped, `${transport} ${reason}`, count);
  }

  recovered(transport: TransportName, result: "complete" | GapReason): void {
    add(this.#recovered, `${transport} ${result}`, 1);
  }

  /** Returns the place of the pair, for others who keep something by it. */
  delivered(ingress: TransportName, egress: TransportName, qos: QoS, count: number): number {
    const pair = placeOf(ingress) * TRANSPORT_COUNT + placeOf(egress);
    const place = pair * QOS_COUNT + qos;
    this.#delivered[place] = (this.#delivered[place] ?? 0) + count;
    return pair;
  }

  connected(transport: TransportName): void {
    const place = placeOf(transport);
    this.#connections[place] = (this.#connections[place] ?? 0) + 1;
  }

  disconnected(transport: TransportName): void {
    const place = placeOf(transport);
    this.#connections[place] = (this.#connections[place] ?? 0) - 1;
  }

  /** Messages accepted, by `transport` and `qos`; series that never counted are left out. */
  receivedSeries(): CountedSeries[] {
    return collect(this.#received, (place) => ({
      transport: transportAt(Math.floor(place / QOS_COUNT)),
      qos: String(place % QOS_COUNT),
    }));
  }

  /** Messages handed to the kernel, by `ingress`, `egress` and `qos`. */
  deliveredSeries(): CountedSeries[] {
    return collect(this.#delivered, (place) => {
      const pair = Math.floor(place / QOS_COUNT);
      return {
        ingress: transportAt(Math.floor(pair / TRANSPORT_COUNT)),
        egress: transportAt(pair % TRANSPORT_COUNT),
        qos: String(place % QOS_COUNT),
      };
    });
  }

  /** Open connections by `transport`, zeros included. */
  connectionSeries(): CountedSeries[] {
    return TRANSPORTS.map((transport, place) => ({
      labels: { transport },
      count: this.#connections[place] ?? 0,
    }));
  }

  droppedSeries(): CountedSeries[] {
    return split(this.#dropped, "reason");
  }

  refusedSeries(): CountedSeries[] {
    return split(this.#refused, "code");
  }

  recoveredSeries(): CountedSeries[] {
    return split(this.#recovered, "result");
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function collect(
  counts: Float64Array,
  labelsOf: (place: number) => Record<string, string>,
): CountedSeries[] {
  const series: CountedSeries[] = [];
  for (const [place, count] of counts.entries()) {
    if (count > 0) series.push({ labels: labelsOf(place), count });
  }
  return series;
}

function split(counts: ReadonlyMap<string, number>, label: string): CountedSeries[] {
  return [...counts].map(([key, count]) => {
    const [transport = "", value = ""] = key.split(" ");
    return { labels: { transport, [label]: value }, count };
  });
}
