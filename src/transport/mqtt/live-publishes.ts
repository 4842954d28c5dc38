import {
  type Message,
  type MessageDraft,
  propertyBytes,
  type QoS,
  type TransportName,
} from "../../bus/message.ts";
import type { Reader } from "../../bus/reader.ts";
import { EncodedTail } from "../encoded-tail.ts";
import type { TransportObserver } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";
import { encodeLivePublish } from "./publish-encoding.ts";

/** As many messages as the encoded tail keeps. */
const REMEMBERED = 16_384;

/** Fixed header, lengths, packet id, the numbers among the properties. */
const MOST_FIELDS_BYTES = 64;

/** What a session must know of a message to decide what becomes of it; neighbours share one. */
export interface LiveRun {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly ingress: TransportName;
  /** Session that published it. */
  readonly sessionId: string;
  /** Its expiry is told to the client and counts down: two deliveries of it may differ. */
  readonly hasExpiry: boolean;
  readonly receivedAt: number;
  readonly acceptedAt: number;
}

/** What no message belongs to. */
export const NO_RUN: LiveRun = {
  qos: 0,
  retain: false,
  ingress: "mqtt",
  sessionId: "",
  hasExpiry: false,
  receivedAt: 0,
  acceptedAt: 0,
};

/**
 * Live messages in the form every QoS 0 subscriber of MQTT 3 gets: encoded once, shared by all
 * connections, with the facts of each kept beside it so that nobody has to look into the log again.
 */
export class LivePublishes {
  readonly #tail = new EncodedTail(encodeLivePublish);
  readonly #offsets = new Float64Array(REMEMBERED);
  readonly #runs: LiveRun[] = new Array<LiveRun>(REMEMBERED).fill(NO_RUN);
  readonly #maxPacketBytes = new Float64Array(REMEMBERED);
  readonly #topicLengths = new Uint16Array(REMEMBERED);
  #newest = NO_RUN;

  /** Notes a message that was ordered; `draft` is not kept. */
  remember(offset: number, draft: MessageDraft, acceptedAt: number): LiveRun {
    const { topic, payload, properties } = draft;
    const slot = offset & (REMEMBERED - 1);
    const run = this.#runOf(draft, acceptedAt);
    this.#offsets[slot] = offset;
    this.#runs[slot] = run;
    // A UTF-16 unit takes at most 3 bytes of UTF-8.
    const texts = topic.length + propertyBytes(properties);
    this.#maxPacketBytes[slot] = MOST_FIELDS_BYTES + 3 * texts + payload.length;
    this.#topicLengths[slot] = topic.length;
    return run;
  }

  /** The facts of a message; `undefined` when neither the reader nor the log has it any longer. */
  runAt(offset: number, reader: Pick<Reader, "messageAt">): LiveRun | undefined {
    const slot = offset & (REMEMBERED - 1);
    if (this.#offsets[slot] === offset) return this.#runs[slot];
    const message: Message | undefined = reader.messageAt(offset);
    return message === undefined ? undefined : this.remember(offset, message, message.acceptedAt);
  }

  /** As {@link runAt}, without looking for what is not remembered. */
  knownAt(offset: number): LiveRun | undefined {
    const slot = offset & (REMEMBERED - 1);
    return this.#offsets[slot] === offset ? this.#runs[slot] : undefined;
  }

  /** No PUBLISH of the message is longer than this; to be asked right after {@link runAt}. */
  maxPacketBytesAt(offset: number): number {
    return this.#maxPacketBytes[offset & (REMEMBERED - 1)] ?? 0;
  }

  /** Characters of its topic; to be asked right after {@link runAt}. */
  topicLengthAt(offset: number): number {
    return this.#topicLengths[offset & (REMEMBERED - 1)] ?? 0;
  }

  /** Adds the message as PUBLISH of QoS 0 of MQTT 3 and returns its bytes. */
  addTo(batch: WriteBatch, offset: number, reader: Reader): number {
    return this.#tail.addTo(batch, offset, reader);
  }

  #runOf(draft: MessageDraft, acceptedAt: number): LiveRun {
    const { qos, retain, origin, receivedAt, properties } = draft;
    const hasExpiry = properties.expiry !== undefined;
    const newest = this.#newest;
    if (
      newest.acceptedAt === acceptedAt &&
      newest.receivedAt === receivedAt &&
      newest.sessionId === origin.sessionId &&
      newest.qos === qos &&
      newest.retain === retain &&
      newest.hasExpiry === hasExpiry
    ) {
      return newest;
    }
    const { transport: ingress, sessionId } = origin;
    this.#newest = { qos, retain, ingress, sessionId, hasExpiry, receivedAt, acceptedAt };
    return this.#newest;
  }
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
