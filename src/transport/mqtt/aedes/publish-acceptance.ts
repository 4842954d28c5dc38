import type { Bus } from "../../../bus/bus.ts";
import { type MessageDraft, NO_PROPERTIES, type QoS } from "../../../bus/message.ts";
import type { Receipt } from "../../../bus/ports.ts";
import { parseTopic, type TopicLimits } from "../../../bus/topic.ts";
import { GatewayError } from "../../../errors.ts";
import type { MqttSession } from "../mqtt-session.ts";
import type { AedesLink } from "./aedes-link.ts";

/** Answers aedes: without an error the packet is acknowledged, with one the connection is closed. */
export type Done = (error?: Error | null) => void;

/** A PUBLISH as aedes has parsed it. */
export interface PublishFields {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly messageId?: number | undefined;
}

/** Takes messages into the bus before aedes acknowledges them. */
export class PublishAcceptance {
  readonly #bus: Bus;
  readonly #limits: TopicLimits;
  /** Packet ids of QoS 2 one session may have accepted and not released. */
  readonly #maxUnreleased: number;

  constructor(bus: Bus, limits: TopicLimits, maxUnreleased: number) {
    this.#bus = bus;
    this.#limits = limits;
    this.#maxUnreleased = maxUnreleased;
  }

  /** Accepts a PUBLISH; `done` is told when its acknowledgement may be written. Throws a refusal. */
  accept(link: AedesLink, packet: PublishFields, done: Done): void {
    const { connection, session } = link;
    if (session === null)
      throw new GatewayError("bad_request", "PUBLISH before the session is open");
    const known = packet.qos === 2 && packet.messageId !== undefined;
    if (known && isRepeated(session, packet.messageId ?? 0, done)) return;
    if (!link.rate.take(connection.receivedAt)) {
      throw new GatewayError("rate_limited", "the session publishes faster than its limit");
    }
    const { payload } = packet;
    const draft: MessageDraft = {
      topic: parseTopic(packet.topic, this.#limits),
      payload: typeof payload === "string" ? Buffer.from(payload) : payload,
      qos: packet.qos,
      retain: packet.retain,
      properties: NO_PROPERTIES,
      origin: connection.origin,
      receivedAt: connection.receivedAt,
    };
    if (packet.qos === 0) {
      this.#bus.accept(draft, connection.identity, null);
      done(null);
      return;
    }
    if (packet.qos === 1) {
      this.#bus.accept(draft, connection.identity, receiptFor(link, done));
      return;
    }
    this.#acceptOnce(link, session, packet.messageId ?? 0, draft, done);
  }

  #acceptOnce(
    link: AedesLink,
    session: MqttSession,
    packetId: number,
    draft: MessageDraft,
    done: Done,
  ): void {
    if (session.incoming.size >= this.#maxUnreleased) {
      throw new GatewayError(
        "limit_exceeded",
        `${this.#maxUnreleased} messages of QoS 2 await their PUBREL, which is the limit`,
      );
    }
    const waiting: Done[] = [done];
    session.take(packetId, waiting);
    const receipt: Receipt = {
      accepted: () => {
        session.incoming.set(packetId, null);
        link.connection.outbox.acknowledged(draft.receivedAt);
        for (const tell of waiting) tell(null);
      },
      refused: (error) => {
        session.release(packetId);
        for (const tell of waiting) tell(error);
      },
    };
    try {
      this.#bus.accept(draft, link.connection.identity, receipt);
    } catch (refusal) {
      session.release(packetId);
      throw refusal;
    }
  }
}

/**
 * Whether this PUBLISH of QoS 2 is one the session has already [MQTT-4.3.3-2]. Looked up at once: aedes
 * handles a whole chunk before it asks its store about the first packet of it.
 */
function isRepeated(session: MqttSession, packetId: number, done: Done): boolean {
  const waiting = session.incoming.get(packetId);
  if (waiting === undefined) return false;
  if (waiting === null) done(null);
  else waiting.push(done);
  return true;
}

function receiptFor({ connection }: AedesLink, done: Done): Receipt {
  const { receivedAt } = connection;
  return {
    accepted: () => {
      connection.outbox.acknowledged(receivedAt);
      done(null);
    },
    refused: (error) => done(error),
  };
}
