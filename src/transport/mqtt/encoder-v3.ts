import type { Message } from "../../bus/message.ts";
import type { Reader } from "../../bus/reader.ts";
import type { WriteBatch } from "../write-batch.ts";
import type { LivePublishes, LiveRun } from "./live-publishes.ts";
import { addPublish, encodePubrel, type PublishForm } from "./publish-encoding.ts";
import type { SessionEncoder } from "./session-parts.ts";

const PLAIN: PublishForm = { qos: 0, isDuplicate: false, isRetained: false, packetId: 0 };
const RETAINED: PublishForm = { ...PLAIN, isRetained: true };

/** Deliveries in MQTT 3.1 and 3.1.1; one instance serves every connection. */
export class EncoderV3 implements SessionEncoder {
  readonly #publishes: LivePublishes;

  constructor(publishes: LivePublishes) {
    this.#publishes = publishes;
  }

  addPublish(batch: WriteBatch, message: Message, form: PublishForm): number {
    return addPublish(batch, message, form);
  }

  addPubrel(batch: WriteBatch, packetId: number): number {
    const pubrel = encodePubrel(packetId);
    batch.add(pubrel);
    return pubrel.length;
  }

  addLive(batch: WriteBatch, offset: number, _live: LiveRun, reader: Reader): number {
    return this.#publishes.addTo(batch, offset, reader);
  }

  addQueued(_batch: WriteBatch, _offset: number, _qos: 1 | 2, _packetId: number): number {
    return 0;
  }

  addUnacknowledged(batch: WriteBatch, message: Message, isRetained: boolean): number {
    return addPublish(batch, message, isRetained ? RETAINED : PLAIN);
  }
}
