import type { Message, QoS, TransportName } from "../../bus/message.ts";
import type { Reader } from "../../bus/reader.ts";
import { EncodedTail } from "../encoded-tail.ts";
import type { WriteBatch } from "../write-batch.ts";
import { encodeLivePublish } from "./publish-encoding.ts";

/** 4,096 messages, as many as the encoded tail keeps. */
const REMEMBERED = 4_096;

/** What a session must know of a message to decide what becomes of it. */
export interface LiveMessage {
  readonly offset: number;
  readonly qos: QoS;
  readonly ingress: TransportName;
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
    const facts = { offset, qos: message.qos, ingress: message.origin.transport };
    this.#facts[slot] = facts;
    return facts;
  }

  /** Adds the message as PUBLISH of QoS 0 and returns its bytes. */
  addTo(batch: WriteBatch, offset: number, reader: Reader): number {
    return this.#tail.addTo(batch, offset, reader);
  }
}
