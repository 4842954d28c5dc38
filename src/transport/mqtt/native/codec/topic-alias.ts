import type { Topic } from "../../../../bus/topic.ts";
import { PacketError, protocolError } from "./packet-error.ts";
import { REASON } from "./reason-codes.ts";

/** The aliases a client has given topics on its connection (§3.3.2.3.4). */
export class InboundTopicAliases {
  readonly #maximum: number;
  readonly #topics = new Map<number, Topic>();

  /** `maximum` is what CONNACK announced; 0 allows none. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * The topic of a PUBLISH by its topic, `null` for an empty one, and its alias, 0 for none; what
   * both name together is remembered. Throws {@link PacketError} for an alias past the maximum
   * [MQTT-3.3.2-9] or one that names nothing.
   */
  resolve(topic: Topic | null, alias: number): Topic {
    if (alias > this.#maximum) {
      const message = `topic alias is ${alias}; the maximum is ${this.#maximum} [MQTT-3.3.2-9]`;
      throw new PacketError(REASON.topicAliasInvalid, message);
    }
    if (topic !== null) {
      if (alias > 0) this.#topics.set(alias, topic);
      return topic;
    }
    const known = this.#topics.get(alias);
    if (known === undefined) throw protocolError(`topic alias ${alias} names nothing (§3.3.2.3.4)`);
    return known;
  }
}

/**
 * The aliases we give topics on a client's connection. The first topics get them and keep them: to
 * move an alias costs what it saves.
 */
export class OutboundTopicAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<Topic, number>();

  /** `maximum` is what CONNECT announced [MQTT-3.1.2-26], or less. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias the client knows for the topic, so that the topic need not be sent; 0 for none. */
  known(topic: Topic): number {
    return this.#aliases.get(topic) ?? 0;
  }

  /** A new alias, to be sent with its topic; 0 when all are given. */
  assign(topic: Topic): number {
    if (this.#aliases.size >= this.#maximum) return 0;
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return alias;
  }
}
