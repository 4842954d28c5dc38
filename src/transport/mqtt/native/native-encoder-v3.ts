import type { Reader } from "../../../bus/reader.ts";
import type { WriteBatch } from "../../write-batch.ts";
import { EncoderV3 } from "../encoder-v3.ts";
import type { LivePublishes, LiveRun } from "../live-publishes.ts";
import type { IngressPackets } from "./ingress-packets.ts";

/** Deliveries in MQTT 3.1 and 3.1.1, as the bytes of their own PUBLISH where that is possible. */
export class NativeEncoderV3 extends EncoderV3 {
  readonly #packets: IngressPackets;

  constructor(publishes: LivePublishes, packets: IngressPackets) {
    super(publishes);
    this.#packets = packets;
  }

  override addLive(batch: WriteBatch, offset: number, live: LiveRun, reader: Reader): number {
    return this.#packets.addLive(batch, offset, 4) || super.addLive(batch, offset, live, reader);
  }

  override addQueued(batch: WriteBatch, offset: number, qos: 1 | 2, packetId: number): number {
    return this.#packets.addWithId(batch, offset, 4, qos, packetId);
  }
}
