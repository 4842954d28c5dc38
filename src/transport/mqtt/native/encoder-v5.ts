import type { Clock } from "../../../bus/clock.ts";
import type { Message } from "../../../bus/message.ts";
import type { Reader } from "../../../bus/reader.ts";
import { ByteWriter } from "../../../wire/byte-writer.ts";
import { EncodedTail } from "../../encoded-tail.ts";
import type { WriteBatch } from "../../write-batch.ts";
import type { LivePublishes, LiveRun } from "../live-publishes.ts";
import type { DeliveryForm } from "../outgoing-sender.ts";
import { encodePubrel } from "../publish-encoding.ts";
import type { SessionEncoder } from "../session-parts.ts";
import { remainingExpirySeconds } from "./codec/message-properties.ts";
import { MAX_PACKET_BYTES } from "./codec/packet-types.ts";
import { type Peer, peerOf } from "./codec/peer.ts";
import { encodePublish, encodePublishHead, type PublishForm } from "./codec/publish-writing.ts";
import { OutboundTopicAliases } from "./codec/topic-alias.ts";
import type { IngressPackets } from "./ingress-packets.ts";

/**
 * Topics below this many characters are sent whole: an alias costs three bytes of its own, and a
 * packet that only this client gets costs several times the work of one that all share.
 */
const MIN_ALIASED_CHARACTERS = 32;

/** Heads up to this length may be handed to a batch, which copies small pieces at once. */
const COPIED_AT_ONCE_BYTES = 4_000;

/** Used from one call to the next: what is built here is copied before the next is built. */
const out = new ByteWriter();

const LIVE: PublishForm = { qos: 0, isDuplicate: false, isRetained: false, packetId: 0 };
const RETAINED: PublishForm = { ...LIVE, isRetained: true };

const ANYONE = peerOf(5);

/** What the encoders of an engine share. */
export interface EncoderParts {
  readonly clock: Clock;
  readonly publishes: LivePublishes;
  readonly packets: IngressPackets;
  readonly tail: LiveTailV5;
  /** A message was too large for a client, which counts as having received it [MQTT-3.1.2-25]. */
  tooLarge(): void;
}

/** Live messages as every MQTT 5 subscriber without wishes of its own gets them, encoded once. */
export class LiveTailV5 {
  readonly #tail = new EncodedTail(encodeLive);

  addTo(batch: WriteBatch, offset: number, reader: Reader): number {
    return this.#tail.addTo(batch, offset, reader);
  }
}

function encodeLive(message: Message): Uint8Array {
  out.reset();
  encodePublish(out, ANYONE, message, LIVE);
  return out.view();
}

/** Deliveries to one MQTT 5 client: within its packet size, with aliases if it allows them. */
export class EncoderV5 implements SessionEncoder {
  readonly #peer: Peer;
  readonly #parts: EncoderParts;
  readonly #aliases: OutboundTopicAliases | null;

  /** @param topicAliasMaximum what CONNECT allowed, or less. */
  constructor(peer: Peer, topicAliasMaximum: number, parts: EncoderParts) {
    this.#peer = peer;
    this.#parts = parts;
    this.#aliases = topicAliasMaximum > 0 ? new OutboundTopicAliases(topicAliasMaximum) : null;
  }

  addLive(batch: WriteBatch, offset: number, live: LiveRun, reader: Reader): number {
    if (!live.hasExpiry && this.#isSharedAt(offset)) {
      const { packets, tail } = this.#parts;
      return packets.addLive(batch, offset, 5) || tail.addTo(batch, offset, reader);
    }
    const message = reader.messageAt(offset);
    return message === undefined ? 0 : this.#add(batch, message, LIVE, NO_IDS);
  }

  addQueued(batch: WriteBatch, offset: number, qos: 1 | 2, packetId: number): number {
    if (!this.#isSharedAt(offset)) return 0;
    return this.#parts.packets.addWithId(batch, offset, 5, qos, packetId);
  }

  addUnacknowledged(
    batch: WriteBatch,
    message: Message,
    isRetained: boolean,
    subscriptionIds: readonly number[],
  ): number {
    return this.#add(batch, message, isRetained ? RETAINED : LIVE, subscriptionIds);
  }

  addPublish(batch: WriteBatch, message: Message, form: DeliveryForm): number {
    return this.#add(batch, message, form, form.subscriptionIds);
  }

  addPubrel(batch: WriteBatch, packetId: number): number {
    const pubrel = encodePubrel(packetId);
    batch.add(pubrel);
    return pubrel.length;
  }

  /** Whether this client gets the message as others do. Its facts have just been asked for. */
  #isSharedAt(offset: number): boolean {
    const { publishes } = this.#parts;
    if (publishes.maxPacketBytesAt(offset) > this.#peer.maxPacketBytes) return false;
    return this.#aliases === null || publishes.topicLengthAt(offset) < MIN_ALIASED_CHARACTERS;
  }

  #add(batch: WriteBatch, message: Message, form: PublishForm, ids: readonly number[]): number {
    extras.subscriptionIdentifiers = ids;
    const left = remainingExpirySeconds(message, this.#parts.clock.now());
    extras.expirySeconds = left === null ? null : Math.max(0, left);
    this.#setAlias(message);
    out.reset();
    const bytes = encodePublishHead(out, this.#peer, message, form, extras);
    if (bytes === 0) {
      this.#parts.tooLarge();
      return 0;
    }
    batch.add(out.position < COPIED_AT_ONCE_BYTES ? out.view() : out.copy());
    batch.add(message.payload);
    return bytes;
  }

  #setAlias({ topic, payload }: Message): void {
    extras.topicAlias = 0;
    extras.isTopicSent = true;
    if (this.#aliases === null || topic.length < MIN_ALIASED_CHARACTERS) return;
    const known = this.#aliases.known(topic);
    extras.topicAlias = known;
    extras.isTopicSent = known === 0;
    // A client with a limit may not get this packet, and would not learn a new alias by it.
    if (known !== 0 || this.#peer.maxPacketBytes < MAX_PACKET_BYTES) return;
    if (payload.length < MAX_PACKET_BYTES / 2) extras.topicAlias = this.#aliases.assign(topic);
  }
}

const NO_IDS: readonly number[] = Object.freeze([]);

const extras = {
  subscriptionIdentifiers: NO_IDS,
  topicAlias: 0,
  isTopicSent: true,
  expirySeconds: null as number | null,
};
