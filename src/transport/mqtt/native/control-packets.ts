import type { Bus } from "../../../bus/bus.ts";
import type { TopicLimits } from "../../../bus/topic.ts";
import type { ByteWriter } from "../../../wire/byte-writer.ts";
import type { MqttSession } from "../mqtt-session.ts";
import { AcknowledgementReader } from "./codec/acknowledgement.ts";
import { parseAuth } from "./codec/auth.ts";
import { parseDisconnect } from "./codec/disconnect.ts";
import { type Explanation, UNEXPLAINED } from "./codec/explanation.ts";
import { PacketError, protocolError } from "./codec/packet-error.ts";
import { clientPacketType } from "./codec/packet-header.ts";
import { type AcknowledgementName, PACKET_TYPE } from "./codec/packet-types.ts";
import { checkPingreq, PINGRESP } from "./codec/ping.ts";
import { REASON } from "./codec/reason-codes.ts";
import { encodeSuback, parseSubscribe } from "./codec/subscribe.ts";
import { encodeUnsuback, parseUnsubscribe } from "./codec/unsubscribe.ts";
import type { Link } from "./link.ts";
import { subscribe, unsubscribe } from "./subscribing.ts";

/** Bounds of what packets may ask for. */
export interface ControlLimits extends TopicLimits {
  readonly maxSubscriptionsPerSession: number;
  readonly maxFiltersPerRequest: number;
}

/** Reason codes from here on refuse (MQTT 5 §2.4). */
const FIRST_REFUSAL = 0x80;

/** Handles every packet that follows CONNECT but PUBLISH, for all connections. */
export class ControlPackets {
  readonly #bus: Bus;
  readonly #limits: ControlLimits;
  readonly #writer: ByteWriter;
  readonly #acknowledgement = new AcknowledgementReader();

  constructor(bus: Bus, limits: ControlLimits, writer: ByteWriter) {
    this.#bus = bus;
    this.#limits = limits;
    this.#writer = writer;
  }

  /** Handles `bytes[start…end)`. Throws the refusal that ends the connection. */
  take(
    link: Link,
    session: MqttSession,
    bytes: Buffer,
    start: number,
    body: number,
    end: number,
  ): void {
    const { version } = link.peer;
    const type = clientPacketType(bytes[start] ?? 0, version);
    switch (type) {
      case PACKET_TYPE.publish:
        return;
      case PACKET_TYPE.puback:
        this.#read(link, "puback", bytes, body, end);
        session.acknowledge(this.#acknowledgement.packetId, 1);
        return;
      case PACKET_TYPE.pubrec:
        this.#read(link, "pubrec", bytes, body, end);
        this.#received(link, session);
        return;
      case PACKET_TYPE.pubrel:
        this.#read(link, "pubrel", bytes, body, end);
        this.#released(link, session);
        return;
      case PACKET_TYPE.pubcomp:
        this.#read(link, "pubcomp", bytes, body, end);
        session.acknowledge(this.#acknowledgement.packetId, 2);
        return;
      case PACKET_TYPE.subscribe:
        this.#subscribe(link, session, bytes, body, end);
        return;
      case PACKET_TYPE.unsubscribe:
        this.#unsubscribe(link, session, bytes, body, end);
        return;
      case PACKET_TYPE.pingreq:
        checkPingreq(body, end);
        link.connection.outbox.control(PINGRESP);
        return;
      case PACKET_TYPE.disconnect:
        link.left(parseDisconnect(bytes, body, end, version));
        return;
      case PACKET_TYPE.auth:
        parseAuth(bytes, body, end);
        throw protocolError("AUTH, and CONNECT named no authentication method [MQTT-4.12.0-1]");
    }
  }

  #read(link: Link, name: AcknowledgementName, bytes: Buffer, body: number, end: number): void {
    this.#acknowledgement.read(bytes, name, body, end, link.peer.version);
  }

  #received(link: Link, session: MqttSession): void {
    const { packetId, reason } = this.#acknowledgement;
    if (reason >= FIRST_REFUSAL) {
      session.acknowledge(packetId, 2);
      return;
    }
    if (session.received(packetId)) {
      link.whenDurable(() => link.acknowledge("pubrel", packetId));
    } else {
      link.acknowledge("pubrel", packetId, REASON.packetIdentifierNotFound);
    }
  }

  #released(link: Link, session: MqttSession): void {
    const { packetId } = this.#acknowledgement;
    const waiting = session.incoming.get(packetId);
    if (waiting === undefined) {
      // Sent again perhaps: PUBCOMP must not overtake what the first one has changed.
      const reason = REASON.packetIdentifierNotFound;
      link.whenDurable(() => link.acknowledge("pubcomp", packetId, reason));
      return;
    }
    if (waiting !== null) throw protocolError(`PUBREL before PUBREC of packet id ${packetId}`);
    session.release(packetId);
    link.quota.released();
    // PUBCOMP frees the packet id for another message, which a crash must not swallow.
    link.whenDurable(() => link.acknowledge("pubcomp", packetId));
  }

  #subscribe(link: Link, session: MqttSession, bytes: Buffer, body: number, end: number): void {
    const packet = parseSubscribe(bytes, body, end, link.peer.version, this.#limits);
    // What waits for a filter that is about to be replaced leaves first [MQTT-3.8.4-4].
    if (packet.requests.some(({ name }) => session.has(name))) link.connection.outbox.flush();
    const { maxSubscriptionsPerSession, maxFiltersPerRequest } = this.#limits;
    const subscriber = {
      bus: this.#bus,
      identity: link.identity,
      session,
      maxSubscriptions: maxSubscriptionsPerSession,
      maxFilters: maxFiltersPerRequest,
    };
    const { codes, message } = subscribe(subscriber, packet);
    link.answerWhenDurable(() => {
      this.#send(link, (out) =>
        encodeSuback(out, link.peer, packet.packetId, codes, explained(message)),
      );
    });
  }

  #unsubscribe(link: Link, session: MqttSession, bytes: Buffer, body: number, end: number): void {
    const { version } = link.peer;
    const packet = parseUnsubscribe(bytes, body, end, version, this.#limits);
    for (const filter of packet.filters) {
      // UNSUBACK has no codes before MQTT 5.
      if (version === 5 || filter.refusal === null) continue;
      throw new PacketError(filter.refusal, filter.message);
    }
    const { codes, message } = unsubscribe(session, packet.filters);
    link.answerWhenDurable(() => {
      this.#send(link, (out) =>
        encodeUnsuback(out, link.peer, packet.packetId, codes, explained(message)),
      );
    });
  }

  #send(link: Link, encode: (out: ByteWriter) => boolean): void {
    const out = this.#writer;
    out.reset();
    if (encode(out)) link.connection.outbox.control(out.copy());
  }
}

function explained(message: string | null): Explanation {
  return message === null ? UNEXPLAINED : { reasonString: message };
}
