import { oracleMatches } from "../match-oracle.ts";

export type ModelQoS = 0 | 1 | 2;

/** A message as the bus accepted it; its payload is one that no other message has. */
export interface AcceptedMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: ModelQoS;
}

type Counts = Record<ModelQoS, number>;

interface Owed {
  readonly topic: string;
  /** Its place among all that was accepted for the session. */
  readonly place: number;
  /**
   * How often it is to be delivered at each QoS. A message of QoS 1 that its publisher repeats is
   * accepted again, and may meet another subscription then.
   */
  readonly due: Counts;
  /** How often it came, for QoS 1 without what was said to be a repetition. */
  readonly came: Counts;
  hasCome: boolean;
  /** Nobody promises it any longer: the connection or the subscription it was meant for is gone. */
  isOptional: boolean;
}

/** One session from its beginning to its end: what it is owed by the rules, held against what came. */
export class SessionModel {
  readonly filters = new Map<string, ModelQoS>();
  isKept: boolean;
  isConnected = true;
  readonly #owed = new Map<string, Owed>();
  /** Places of the newest message that came for the first time: without and with acknowledgement. */
  readonly #newest = { live: -1, queued: -1 };

  constructor(isKept: boolean) {
    this.isKept = isKept;
  }

  /** The bus has accepted a message, now. */
  accepted({ topic, payload, qos }: AcceptedMessage): void {
    const granted = [...this.filters]
      .filter(([filter]) => oracleMatches(filter, topic))
      .map(([, each]) => each);
    if (granted.length === 0) return;
    const highest = Math.max(...granted);
    const delivered = qos <= highest ? qos : highest === 1 ? 1 : 0;
    if (delivered === 0 && !this.isConnected) return;
    const owed = this.#owed.get(payload) ?? this.#owe(topic, payload);
    owed.due[delivered] += 1;
  }

  /** Its client has a message, a repetition of QoS 2 left out. Throws where the rules forbid it. */
  received(payload: string, qos: ModelQoS, isDuplicate: boolean): void {
    const owed = this.#owed.get(payload);
    const what = `message ${payload} at QoS ${qos}`;
    if (owed === undefined) throw new Error(`${what} matches no subscription there was`);
    if (owed.due[qos] === 0) throw new Error(`${what} is due at another QoS`);
    if (qos !== 1 || !isDuplicate) owed.came[qos] += 1;
    if (owed.came[qos] > owed.due[qos]) throw new Error(`${what} came again`);
    if (owed.hasCome) return;
    owed.hasCome = true;
    const line = qos === 0 ? "live" : "queued";
    if (owed.place < this.#newest[line]) throw new Error(`${what} came after a later one`);
    this.#newest[line] = owed.place;
  }

  /** What was queued for the filter may still come, but need not [MQTT-3.10.4-3]. */
  unsubscribed(filter: string): void {
    this.filters.delete(filter);
    this.#waive((owed) => oracleMatches(filter, owed.topic));
  }

  /** What goes out without acknowledgement is lost with its connection. */
  disconnected(): void {
    this.isConnected = false;
    this.#waive((owed) => owed.due[0] > 0);
  }

  /** Payloads that have to come and have not. */
  missing(): string[] {
    return [...this.#owed]
      .filter(([, { hasCome, isOptional }]) => !hasCome && !isOptional)
      .map(([payload]) => payload);
  }

  #owe(topic: string, payload: string): Owed {
    const owed = {
      topic,
      place: this.#owed.size,
      due: { 0: 0, 1: 0, 2: 0 },
      came: { 0: 0, 1: 0, 2: 0 },
      hasCome: false,
      isOptional: false,
    };
    this.#owed.set(payload, owed);
    return owed;
  }

  #waive(isMeant: (owed: Owed) => boolean): void {
    for (const owed of this.#owed.values()) {
      if (!owed.hasCome && isMeant(owed)) owed.isOptional = true;
    }
  }
}
