import { type QoS, TRANSPORTS, type TransportName } from "../bus/message.ts";
import type { BusObserver, DropReason, GapReason } from "../bus/ports.ts";
import { pairAt, placeOf, QOS_COUNT, TRANSPORT_COUNT, transportAt } from "./transport-place.ts";

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
  /** The run of messages being received, of one transport and QoS; not yet in {@link #received}. */
  #runTransport: TransportName = "mqtt";
  #runQos: QoS = 0;
  #runCount = 0;
  #runPlace = placeOf("mqtt") * QOS_COUNT;
  readonly #received = new Float64Array(TRANSPORT_COUNT * QOS_COUNT);
  readonly #delivered = new Float64Array(TRANSPORT_COUNT * TRANSPORT_COUNT * QOS_COUNT);
  readonly #connections = new Float64Array(TRANSPORT_COUNT);
  /** Keyed by labels joined with a space: names of transports, reasons and codes hold none. */
  readonly #dropped = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #recovered = new Map<string, number>();

  accepted(transport: TransportName, qos: QoS): void {
    if (transport !== this.#runTransport || qos !== this.#runQos) {
      this.#beginRun(transport, qos);
    }
    this.#runCount += 1;
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

  /** @param pair by `pairPlaceOf`: whoever reports deliveries keeps more by it. */
  delivered(pair: number, qos: QoS, count: number): void {
    const place = pair * QOS_COUNT + qos;
    this.#delivered[place] = (this.#delivered[place] ?? 0) + count;
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
    this.#beginRun(this.#runTransport, this.#runQos);
    return collect(this.#received, (place) => ({
      transport: transportAt(Math.floor(place / QOS_COUNT)),
      qos: String(place % QOS_COUNT),
    }));
  }

  /** Messages handed to the kernel, by `ingress`, `egress` and `qos`. */
  deliveredSeries(): CountedSeries[] {
    return collect(this.#delivered, (place) => ({
      ...pairAt(Math.floor(place / QOS_COUNT)),
      qos: String(place % QOS_COUNT),
    }));
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

  /** Adds the run so far to what was received, and starts one. */
  #beginRun(transport: TransportName, qos: QoS): void {
    const ended = this.#runPlace + this.#runQos;
    this.#received[ended] = (this.#received[ended] ?? 0) + this.#runCount;
    this.#runCount = 0;
    // A publisher that mixes QoS 0 and 1 begins a run a message, of the same transport.
    if (transport !== this.#runTransport) this.#runPlace = placeOf(transport) * QOS_COUNT;
    this.#runTransport = transport;
    this.#runQos = qos;
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
