import { isUtf8 } from "node:buffer";
import type { Bus } from "../../../bus/bus.ts";
import {
  type MessageProperties,
  NO_PROPERTIES,
  type Origin,
  type QoS,
} from "../../../bus/message.ts";
import type { Topic, TopicLimits } from "../../../bus/topic.ts";
import { type ErrorCode, GatewayError } from "../../../errors.ts";
import { malformed, PacketError } from "./codec/packet-error.ts";
import { PublishReader } from "./codec/publish.ts";
import { REASON } from "./codec/reason-codes.ts";
import { TopicNames } from "./codec/topic-names.ts";
import type { LivePublishes } from "../live-publishes.ts";
import type { ProtocolVersion } from "./codec/packet-types.ts";
import type { IngressPackets } from "./ingress-packets.ts";
import type { Link } from "./link.ts";

/** The one draft all messages are offered by: the log copies what it keeps of it. */
interface MutableDraft {
  topic: Topic;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  properties: MessageProperties;
  origin: Origin;
  receivedAt: number;
}

/** Where messages are taken to, and what is noted of them for their way out. */
export interface IntakeParts {
  readonly bus: Bus;
  readonly publishes: LivePublishes;
  readonly packets: IngressPackets;
}

/** Bounds of what one client may publish. */
export interface IntakeLimits extends TopicLimits {
  readonly maxPublishesPerSecond: number;
  /** Packet ids of QoS 2 one session may leave unreleased. */
  readonly maxQueuedMessages: number;
}

/**
 * Refusals that say nothing about the message: a client that were told so by an acknowledgement would
 * give the message up, one whose connection ends sends it again.
 */
const ENDS_CONNECTION: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "draining",
  "store_unavailable",
  "internal",
]);

/** Takes PUBLISH of every connection into the bus. */
export class PublishIntake {
  readonly #bus: Bus;
  readonly #parts: IntakeParts;
  readonly #reader: PublishReader;
  readonly #maxUnreleased: number;
  readonly #hasRateLimit: boolean;
  #draft: MutableDraft | null = null;

  constructor(parts: IntakeParts, limits: IntakeLimits) {
    this.#bus = parts.bus;
    this.#parts = parts;
    this.#reader = new PublishReader(new TopicNames(limits));
    this.#maxUnreleased = limits.maxQueuedMessages;
    this.#hasRateLimit = limits.maxPublishesPerSecond > 0;
  }

  /** Takes `bytes[start…end)`. Throws the refusal that ends the connection. */
  take(link: Link, bytes: Buffer, start: number, body: number, end: number): void {
    const reader = this.#reader;
    try {
      reader.read(bytes, start, body, end, link.peer.version);
      const draft = this.#draftOf(link, bytes);
      const before = this.#bus.fanOut.offset;
      if (reader.qos === 0) this.#bus.accept(draft, link.identity, null);
      else if (reader.qos === 1) this.#takeOnceAtLeast(link, draft);
      else this.#takeOnce(link, draft);
      if (this.#bus.fanOut.hasOrdered(draft, before)) {
        this.#remember(draft, bytes, start, body, end, link.peer.version);
      }
    } catch (thrown) {
      this.#refuse(link, thrown);
    }
  }

  #draftOf(link: Link, bytes: Buffer): MutableDraft {
    const reader = this.#reader;
    const topic =
      reader.topicAlias > 0 || reader.topic === null ? this.#aliased(link) : reader.topic;
    const { payloadStart, payloadEnd } = reader;
    // Not `subarray`: a Buffer takes several times as long to make.
    const { buffer, byteOffset } = bytes;
    const payload = new Uint8Array(buffer, byteOffset + payloadStart, payloadEnd - payloadStart);
    if (reader.properties.payloadFormat === 1 && !isUtf8(payload)) {
      throw new PacketError(
        REASON.payloadFormatInvalid,
        "the payload is said to be UTF-8 and is not (§3.3.2.3.2)",
      );
    }
    if (this.#hasRateLimit) link.quota.take(link.connection.receivedAt);
    const { origin, receivedAt } = link.connection;
    const { qos, isRetained: retain, properties } = reader;
    const draft = this.#draft;
    if (draft === null) {
      this.#draft = { topic, payload, qos, retain, properties, origin, receivedAt };
      return this.#draft;
    }
    draft.topic = topic;
    draft.payload = payload;
    draft.qos = qos;
    draft.retain = retain;
    draft.properties = properties;
    draft.origin = origin;
    draft.receivedAt = receivedAt;
    return draft;
  }

  /** The message has its place: what its readers will ask for is at hand now. */
  #remember(
    draft: MutableDraft,
    bytes: Buffer,
    start: number,
    body: number,
    end: number,
    version: ProtocolVersion,
  ): void {
    const { fanOut } = this.#bus;
    const { publishes, packets } = this.#parts;
    const { topicAlias, topicEnd, qos } = this.#reader;
    publishes.remember(fanOut.offset, draft, fanOut.acceptedAt);
    if (draft.properties !== NO_PROPERTIES || topicAlias > 0) return;
    // RETAIN and DUP are the publisher's; a length of more bytes than it needs is nobody else's.
    if (((bytes[start] ?? 0) & 0x09) !== 0 || bytes[body - 1] === 0) return;
    const idAt = qos === 0 ? 0 : topicEnd;
    packets.remember(fanOut.offset, bytes, start, end, idAt, version, qos);
  }

  #aliased(link: Link): Topic {
    return link.aliases.resolve(this.#reader.topic, this.#reader.topicAlias);
  }

  #takeOnceAtLeast(link: Link, draft: MutableDraft): void {
    const { packetId } = this.#reader;
    const { receipts } = link;
    link.quota.checkOpen(receipts.length);
    receipts.push(packetId, 1, draft.receivedAt);
    try {
      this.#bus.accept(draft, link.identity, receipts);
    } catch (refusal) {
      receipts.takeBack();
      throw refusal;
    }
  }

  #takeOnce(link: Link, draft: MutableDraft): void {
    const { packetId } = this.#reader;
    const { session, receipts } = link;
    if (session === null) throw malformed("PUBLISH before CONNACK");
    const waiting = session.incoming.get(packetId);
    if (waiting === null) {
      // A message the session has already [MQTT-4.3.3-10].
      link.acknowledge("pubrec", packetId);
      return;
    }
    if (waiting !== undefined) {
      waiting.push((error) => {
        if (error === null || error === undefined) link.acknowledge("pubrec", packetId);
      });
      return;
    }
    link.quota.checkOpen(receipts.length);
    if (session.incoming.size >= this.#maxUnreleased) {
      throw new GatewayError(
        "limit_exceeded",
        `${this.#maxUnreleased} messages of QoS 2 await their PUBREL, which is the limit`,
      );
    }
    session.take(packetId, []);
    receipts.push(packetId, 2, draft.receivedAt);
    try {
      this.#bus.accept(draft, link.identity, receipts);
    } catch (refusal) {
      receipts.takeBack();
      session.release(packetId);
      throw refusal;
    }
    link.quota.awaitsRelease();
  }

  /** By the acknowledgement where MQTT 5 has one and the message is to blame, else by the end. */
  #refuse(link: Link, thrown: unknown): void {
    if (link.peer.version !== 5 || !isAboutMessage(thrown)) throw thrown;
    const { qos, packetId } = this.#reader;
    if (qos === 0) throw thrown;
    link.refuseMessage(qos === 1 ? "puback" : "pubrec", packetId, thrown);
  }
}

/** Whether it says what is wrong with one message, and nothing about its packet or the gateway. */
function isAboutMessage(thrown: unknown): thrown is GatewayError {
  if (thrown instanceof PacketError) {
    return (
      thrown.reason === REASON.topicNameInvalid || thrown.reason === REASON.payloadFormatInvalid
    );
  }
  return thrown instanceof GatewayError && !ENDS_CONNECTION.has(thrown.code);
}
