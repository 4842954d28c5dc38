import { type Message, propertyBytes, type QoS, type TransportName } from "../../bus/message.ts";
import type { Reader } from "../../bus/reader.ts";
import { EncodedTail } from "../encoded-tail.ts";
import type { TransportObserver } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";
import { encodeLivePublish } from "./publish-encoding.ts";

/** As many messages as the encoded tail keeps. */
const REMEMBERED = 16_384;

/** What a session must know of a message to decide what becomes of it. */
export interface LiveMessage {
  readonly offset: number;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly ingress: TransportName;
  /** Session that published it. */
  readonly sessionId: string;
  /** Its expiry is told to the client and counts down: two deliveries of it may differ. */
  readonly hasExpiry: boolean;
  /** No PUBLISH of it is longer than this. */
  readonly maxPacketBytes: number;
  readonly topicLength: number;
  readonly receivedAt: number;
  readonly acceptedAt: number;
}

/**
 * Live messages in the form every QoS 0 subscriber gets: encoded once, shared by all connections,
 * with the facts of each kept beside it so that nobody has to look into the log again.
 */
export class LivePublishes {
  readonly #tail = new EncodedTail(encodeLivePublish);
  readonly #facts: (LiveMessage | undefined)[] = new Array(REMEMBERED).fill(undefined);

  /** The facts of a message; `undefined` when neither the reader nor the log has it any longer. */
  factsAt(offset: number, reader: Reader): LiveMessage | undefined {
    const slot = offset & (REMEMBERED - 1);
    const known = this.#facts[slot];
    if (known !== undefined && known.offset === offset) return known;
    const message: Message | undefined = reader.messageAt(offset);
    if (message === undefined) return undefined;
    const facts = factsOf(message);
    this.#facts[slot] = facts;
    return facts;
  }

  /** Adds the message as PUBLISH of QoS 0 of MQTT 3 and returns its bytes. */
  addTo(batch: WriteBatch, offset: number, reader: Reader): number {
    return this.#tail.addTo(batch, offset, reader);
  }
}

/** Fixed header, lengths, packet id, the numbers among the properties. */
const MOST_FIELDS_BYTES = 64;

function factsOf(message: Message): LiveMessage {
  const { offset, topic, payload, qos, retain, properties, origin } = message;
  // A UTF-16 unit takes at most 3 bytes of UTF-8.
  const texts = topic.length + propertyBytes(properties);
  return {
    offset,
    qos,
    retain,
    ingress: origin.transport,
    sessionId: origin.sessionId,
    hasExpiry: properties.expiry !== undefined,
    maxPacketBytes: MOST_FIELDS_BYTES + 3 * texts + payload.length,
    topicLength: topic.length,
    receivedAt: message.receivedAt,
    acceptedAt: message.acceptedAt,
  };
}

/**
 * Reports a message that is in the write. One that came before `liveSince`, while the client was away,
 * says nothing about how fast the gateway is.
 */
export function reportSent(
  { origin, receivedAt, acceptedAt }: Message,
  qos: QoS,
  observer: TransportObserver,
  egress: TransportName,
  liveSince: number,
): void {
  if (acceptedAt < liveSince) observer.deliveredLate(origin.transport, egress, qos);
  else observer.delivered(origin.transport, egress, qos, receivedAt, acceptedAt);
}
