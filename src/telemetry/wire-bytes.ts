import type { TransportName } from "../bus/message.ts";
import type { CountedSeries } from "./counters.ts";
import { placeOf, TRANSPORT_COUNT, transportAt } from "./transport-place.ts";

/** A socket, as far as its bytes go. Below TLS: what is counted is what the network carries. */
export interface CountedSocket {
  readonly bytesRead: number;
  /** What was written to the stream, what still waits in it included. */
  readonly bytesWritten: number;
  readonly writableLength: number;
}

interface Meter {
  transport: TransportName;
  /** What has been added to the totals. */
  read: number;
  written: number;
}

/**
 * Bytes at the sockets, by the transport they carried. Nothing is done per byte or per write: the
 * sockets count, and are asked when they change their transport, when they close, and at a scrape.
 */
export class WireBytes {
  readonly #read = new Float64Array(TRANSPORT_COUNT);
  readonly #written = new Float64Array(TRANSPORT_COUNT);
  readonly #open = new Map<CountedSocket, Meter>();

  /**
   * From here on the socket carries this transport. What was read and not accounted for belongs to
   * the new one, as the request that asked for the change does; what was written, to the old one.
   */
  carries(socket: CountedSocket, transport: TransportName): void {
    const meter = this.#open.get(socket);
    if (meter === undefined) {
      this.#open.set(socket, { transport, read: 0, written: 0 });
      return;
    }
    if (meter.transport === transport) return;
    this.#addWritten(socket, meter);
    meter.transport = transport;
    this.#addRead(socket, meter);
  }

  /** The socket has closed. Idempotent. */
  closed(socket: CountedSocket): void {
    const meter = this.#open.get(socket);
    if (meter === undefined) return;
    this.#open.delete(socket);
    this.#addWritten(socket, meter);
    this.#addRead(socket, meter);
  }

  /** By `transport` and `direction`, which is `in` for bytes from clients and `out` for those to them. */
  series(): CountedSeries[] {
    for (const [socket, meter] of this.#open) {
      this.#addWritten(socket, meter);
      this.#addRead(socket, meter);
    }
    const series: CountedSeries[] = [];
    for (let place = 0; place < TRANSPORT_COUNT; place += 1) {
      const read = this.#read[place] ?? 0;
      const written = this.#written[place] ?? 0;
      if (read + written === 0) continue;
      const transport = transportAt(place);
      series.push({ labels: { transport, direction: "in" }, count: read });
      series.push({ labels: { transport, direction: "out" }, count: written });
    }
    return series;
  }

  #addRead(socket: CountedSocket, meter: Meter): void {
    const { bytesRead } = socket;
    const place = placeOf(meter.transport);
    this.#read[place] = (this.#read[place] ?? 0) + bytesRead - meter.read;
    meter.read = bytesRead;
  }

  #addWritten(socket: CountedSocket, meter: Meter): void {
    const handedOver = Math.max(meter.written, socket.bytesWritten - socket.writableLength);
    const place = placeOf(meter.transport);
    this.#written[place] = (this.#written[place] ?? 0) + handedOver - meter.written;
    meter.written = handedOver;
  }
}
