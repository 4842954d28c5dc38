import { type MessageProperties, NO_PROPERTIES, type QoS } from "../../../../bus/message.ts";
import type { Topic } from "../../../../bus/topic.ts";
import { messageProperties } from "./message-properties.ts";
import { malformed, PacketError, protocolError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import type { ProtocolVersion } from "./packet-types.ts";
import { readProperties } from "./property-reading.ts";
import { REASON } from "./reason-codes.ts";
import type { TopicNames } from "./topic-names.ts";

/**
 * Reads PUBLISH (§3.3) without making an object: its fields hold the last one that was read, and its
 * payload stays where it is, in `bytes[payloadStart…payloadEnd)`.
 */
export class PublishReader {
  qos: QoS = 0;
  isDuplicate = false;
  isRetained = false;
  /** 0 for QoS 0. */
  packetId = 0;
  /** `null` when `topicAlias` stands for it. */
  topic: Topic | null = null;
  topicStart = 0;
  topicEnd = 0;
  /** 0 when there is none. */
  topicAlias = 0;
  /** Own copies: they may be kept. */
  properties: MessageProperties = NO_PROPERTIES;
  payloadStart = 0;
  payloadEnd = 0;
  readonly #names: TopicNames;

  constructor(names: TopicNames) {
    this.#names = names;
  }

  /**
   * Reads `bytes[start…end)`, whose variable header begins at `body`. Throws {@link PacketError}.
   * When its code is `invalid_topic`, all fields but `topic` are set, so that the packet may be
   * refused by its acknowledgement rather than the connection ended.
   */
  read(bytes: Buffer, start: number, body: number, end: number, version: ProtocolVersion): void {
    this.#readFlags(bytes[start] ?? 0, version);
    const topicStart = body + 2;
    const topicEnd = topicStart + (((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0));
    let at = topicEnd;
    if (this.qos > 0) at += 2;
    if (topicStart > end || at > end) throw malformed("PUBLISH ends inside its header");
    this.packetId = 0;
    if (this.qos > 0) {
      this.packetId = ((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0);
      if (this.packetId === 0) throw protocolError("packet id of PUBLISH is 0 [MQTT-2.2.1-3]");
    }
    this.topicAlias = 0;
    this.properties = NO_PROPERTIES;
    if (version === 5)
      at = at < end && bytes[at] === 0 ? at + 1 : this.#readProperties(bytes, at, end);
    this.topicStart = topicStart;
    this.topicEnd = topicEnd;
    this.payloadStart = at;
    this.payloadEnd = end;
    this.topic = null;
    if (topicStart < topicEnd) this.topic = this.#names.at(bytes, topicStart, topicEnd);
    else this.#expectAlias(version);
  }

  #readFlags(firstByte: number, version: ProtocolVersion): void {
    const qos = (firstByte >> 1) & 3;
    if (qos !== 0 && qos !== 1 && qos !== 2) throw malformed("PUBLISH of QoS 3 [MQTT-3.3.1-4]");
    this.qos = qos;
    this.isDuplicate = (firstByte & 0x08) !== 0;
    this.isRetained = (firstByte & 0x01) !== 0;
    // MQTT 3.1 does not forbid it.
    if (this.isDuplicate && qos === 0 && version !== 3) {
      throw malformed("PUBLISH of QoS 0 with DUP [MQTT-3.3.1-2]");
    }
  }

  /** Returns where the payload begins. */
  #readProperties(bytes: Buffer, start: number, end: number): number {
    const fields = new PacketFields(bytes, start, end);
    const sent = readProperties(fields, "publish");
    if (sent.topicAlias === 0) {
      throw new PacketError(REASON.topicAliasInvalid, "topic alias is 0 [MQTT-3.3.2-8]");
    }
    this.topicAlias = sent.topicAlias ?? 0;
    this.properties = messageProperties(sent);
    return end - fields.left;
  }

  #expectAlias(version: ProtocolVersion): void {
    if (version !== 5) throw malformed("topic of PUBLISH is empty [MQTT-4.7.3-1]");
    if (this.topicAlias === 0) {
      throw protocolError("PUBLISH has neither topic nor alias (§3.3.2.1)");
    }
  }
}
