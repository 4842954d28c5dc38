import { parseTopic, type Topic, type TopicLimits } from "../../../../bus/topic.ts";
import { GatewayError } from "../../../../errors.ts";
import { malformed, PacketError } from "./packet-error.ts";
import { REASON } from "./reason-codes.ts";
import { readText } from "./wire-text.ts";

interface Known {
  readonly bytes: Uint8Array;
  readonly topic: Topic;
}

/**
 * In pairs: a name may lie in either slot of its pair, so that only a third name that falls on a pair
 * displaces one: among 1,000 topics, one in forty.
 */
const SLOTS = 8_192;

/** Longer names are read anew each time, so that the slots hold 4 MiB of names at most. */
const MAX_KNOWN_BYTES = 256;

/**
 * Topics by the bytes that name them. A topic is checked and decoded once and found again by its
 * bytes: that costs a comparison, where checking and decoding cost several times as much. One
 * instance serves all connections; what clients make up cannot make it grow past its slots.
 */
export class TopicNames {
  readonly #limits: TopicLimits;
  readonly #slots: (Known | null)[] = new Array<Known | null>(SLOTS).fill(null);
  /** A client often publishes to one topic in a row. */
  #last: Known | null = null;

  constructor(limits: TopicLimits) {
    this.#limits = limits;
  }

  /** The topic `bytes[start…end)` names. Throws {@link PacketError} when they name none. */
  at(bytes: Buffer, start: number, end: number): Topic {
    const last = this.#last;
    if (last !== null && isSame(last.bytes, bytes, start, end)) return last.topic;
    if (end - start > MAX_KNOWN_BYTES) return this.#read(bytes, start, end);
    const slot = hash(bytes, start, end) & (SLOTS - 1);
    const known =
      this.#known(slot, bytes, start, end) ??
      this.#known(slot ^ 1, bytes, start, end) ??
      this.#learn(slot, bytes, start, end);
    this.#last = known;
    return known.topic;
  }

  #known(slot: number, bytes: Buffer, start: number, end: number): Known | null {
    const known = this.#slots[slot] ?? null;
    return known !== null && isSame(known.bytes, bytes, start, end) ? known : null;
  }

  #learn(slot: number, bytes: Buffer, start: number, end: number): Known {
    const topic = this.#read(bytes, start, end);
    const known = { bytes: new Uint8Array(bytes.subarray(start, end)), topic };
    this.#slots[slot ^ 1] = this.#slots[slot] ?? null;
    this.#slots[slot] = known;
    return known;
  }

  #read(bytes: Buffer, start: number, end: number): Topic {
    const text = readText(bytes, start, end);
    if (text === null) {
      throw malformed("topic is not UTF-8 or holds U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]");
    }
    return topicOf(text, this.#limits);
  }
}

/** The topic, or a {@link PacketError} that says it is invalid. */
export function topicOf(text: string, limits: TopicLimits): Topic {
  try {
    return parseTopic(text, limits);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new PacketError(REASON.topicNameInvalid, error.message);
  }
}

/** From the end, where the names of one hierarchy differ. */
function isSame(known: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = known.length - 1; i >= 0; i -= 1) {
    if (known[i] !== bytes[start + i]) return false;
  }
  return true;
}

/** Four bytes a step: a multiplication each would be what the lookup spends most of its time on. */
function hash(bytes: Buffer, start: number, end: number): number {
  let mixed = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    mixed = Math.imul(mixed ^ word, 0x9e37_79b1);
    mixed ^= mixed >>> 15;
  }
  for (; at < end; at += 1) mixed = Math.imul(mixed ^ (bytes[at] ?? 0), 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}
