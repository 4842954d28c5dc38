import type { Origin, TransportName } from "../../../bus/message.ts";
import type { Identity } from "../../../bus/ports.ts";
import { type ErrorCode, GatewayError } from "../../../errors.ts";
import type { WriteBatch } from "../../write-batch.ts";
import { beginsWithConnect, type EngineSide } from "../engine.ts";
import { HOLD, type MqttConnection } from "../mqtt-connection.ts";
import type { MqttSession } from "../mqtt-session.ts";
import type { SessionEncoder } from "../session-parts.ts";
import type { SessionLeaving } from "../session-table.ts";
import { encodeAcknowledgement } from "./codec/acknowledgement.ts";
import { type ConnectPacket, parseConnect } from "./codec/connect.ts";
import type { DisconnectPacket } from "./codec/disconnect.ts";
import { PacketError, protocolError } from "./codec/packet-error.ts";
import { PacketScanner, type PacketSink } from "./codec/packet-scanner.ts";
import { type AcknowledgementName, PACKET_TYPE } from "./codec/packet-types.ts";
import { type Peer, peerOf } from "./codec/peer.ts";
import { isServerReason, REASON, type ReasonCode, reasonFor } from "./codec/reason-codes.ts";
import { InboundTopicAliases } from "./codec/topic-alias.ts";
import { keepAliveOf, receiveMaximumOf } from "./connack-properties.ts";
import { openSession } from "./connecting.ts";
import { EncoderV5 } from "./encoder-v5.ts";
import { encodeFarewell, encodeRefusedConnect } from "./endings.ts";
import type { KeptAlive } from "./keep-alives.ts";
import type { Link } from "./link.ts";
import type { LinkParts } from "./link-parts.ts";
import { PendingReceipts, type ReceiptHost } from "./pending-receipts.ts";
import { PublishQuota } from "./publish-quota.ts";

/**
 * How far a connection is. `silent`: nothing complete has come. `connecting`: CONNECT is being looked
 * at. `ending`: the last word is said, nothing is read or sent any more.
 */
type Stage = "silent" | "connecting" | "connected" | "ending";

const PEERS = { 3: peerOf(3), 4: peerOf(4) } as const;

/** What an older client that promises nothing is allowed to be: silent for ever. */
const NO_LIMIT = Number.POSITIVE_INFINITY;

/** A client is given one and a half times what it promised [MQTT-3.1.2-22]. */
const PATIENCE = 1_500;

/** One connection of the native engine: its bytes, its packets, and its session's way out. */
export class NativeLink implements EngineSide, PacketSink, Link, KeptAlive, ReceiptHost {
  readonly connection: MqttConnection;
  peer: Peer = PEERS[4];
  encoder: SessionEncoder;
  session: MqttSession | null = null;
  receiveMaximum = 0;
  heardAt = 0;
  maxSilenceMs = NO_LIMIT;
  readonly #parts: LinkParts;
  readonly #scanner: PacketScanner;
  #stage: Stage = "silent";
  /** What has arrived and waits while the connection is held. */
  #rest: Buffer | null = null;
  #restFrom = 0;
  #isReading = false;
  /** An answer waits until what it says is durable: what it announces must not come before it. */
  #isAnswering = false;
  #receipts: PendingReceipts | null = null;
  #aliases: InboundTopicAliases | null = null;
  #quota: PublishQuota | null = null;
  #hasExpiry = false;
  #leaving: SessionLeaving = { isGraceful: false };

  constructor(connection: MqttConnection, parts: LinkParts) {
    this.connection = connection;
    this.#parts = parts;
    this.#scanner = new PacketScanner(parts.options.maxPacketBytes);
    this.encoder = parts.encoderV3;
  }

  get transport(): TransportName {
    return this.connection.transport;
  }

  get identity(): Identity {
    return this.connection.identity;
  }

  get origin(): Origin {
    return this.connection.origin;
  }

  get connectedAt(): number {
    return this.connection.session.connectedAt;
  }

  get receipts(): PendingReceipts {
    this.#receipts ??= new PendingReceipts(this);
    return this.#receipts;
  }

  get quota(): PublishQuota {
    const { context, options } = this.#parts;
    const receiveMaximum = this.peer.version === 5 ? receiveMaximumOf(options) : NO_LIMIT;
    this.#quota ??= new PublishQuota(context.limits.maxPublishesPerSecond, receiveMaximum);
    return this.#quota;
  }

  get aliases(): InboundTopicAliases {
    this.#aliases ??= new InboundTopicAliases(this.#parts.options.maxTopicAliases);
    return this.#aliases;
  }

  received(chunk: Buffer): void {
    const isFirst = this.#stage === "silent" && this.#scanner.pendingBytes === 0;
    if (isFirst && !beginsWithConnect(chunk)) {
      // A peer that speaks something else is not listened to any longer.
      throw new GatewayError("bad_request", "the first packet is not CONNECT [MQTT-3.1.0-1]");
    }
    this.#rest = chunk;
    this.#restFrom = 0;
    this.#read();
  }

  resumed(): void {
    this.#read();
  }

  packet(bytes: Buffer, start: number, body: number, end: number): boolean {
    const { connection, session } = this;
    this.heardAt = connection.receivedAt;
    if (session === null) {
      this.#connect(bytes, start, body, end);
    } else if ((bytes[start] ?? 0) >> 4 === PACKET_TYPE.publish) {
      this.#parts.publishing.take(this, bytes, start, body, end);
    } else {
      this.#parts.control.take(this, session, bytes, start, body, end);
    }
    return this.#stage === "connected" && !connection.isHeldAtAll;
  }

  fill(batch: WriteBatch, room: number): boolean {
    if (this.#stage !== "connected" || this.#isAnswering) return false;
    return this.session?.fill(batch, room) ?? false;
  }

  whenDelivered(callback: () => void): void {
    if (this.session === null) callback();
    else this.session.whenDelivered(callback);
  }

  ending(reason: GatewayError): void {
    const stage = this.#stage;
    this.#stage = "ending";
    if (stage === "silent" || stage === "ending") return;
    const { writer, options } = this.#parts;
    writer.reset();
    // A client that was never told that it is connected leaves no will.
    if (stage === "connecting") this.#leaving = { isGraceful: true };
    const encode = stage === "connecting" ? encodeRefusedConnect : encodeFarewell;
    if (encode(writer, this.peer, reason, options.serverReference)) {
      this.connection.outbox.control(writer.copy());
    }
  }

  closed(): void {
    this.#stage = "ending";
    this.#rest = null;
    this.#parts.keepAlives.remove(this);
    if (this.session !== null) this.#parts.sessions.detach(this.session, this, this.#leaving);
  }

  silent(): void {
    // What we do not read we cannot have heard; only a client that takes no answers is to blame.
    if (this.connection.isHeldAtAll && !this.connection.isHeld(HOLD.answers)) return;
    const message = "nothing was heard for one and a half times the keep-alive [MQTT-3.1.2-22]";
    this.connection.refuse(new PacketError(REASON.keepAliveTimeout, message));
  }

  wake(): void {
    this.connection.outbox.wake();
  }

  endSoon(reason: ErrorCode): void {
    this.connection.refuseSoon(new GatewayError(reason, ENDINGS[reason] ?? "the session is over"));
  }

  replaced(): void {
    const message = "another connection took the session over [MQTT-3.1.4-3]";
    this.connection.refuse(new GatewayError("session_replaced", message));
  }

  attached(session: MqttSession): void {
    this.session = session;
  }

  connected(packet: ConnectPacket): void {
    const { options, keepAlives } = this.#parts;
    const seconds = keepAliveOf(packet, options);
    this.#stage = "connected";
    this.maxSilenceMs = seconds === 0 ? NO_LIMIT : seconds * PATIENCE;
    keepAlives.add(this);
    this.connection.established();
    this.session?.open();
  }

  left({ reason, sessionExpirySeconds }: DisconnectPacket): void {
    if (sessionExpirySeconds !== null && sessionExpirySeconds > 0 && !this.#hasExpiry) {
      throw protocolError("DISCONNECT sets an expiry that CONNECT did not (§3.14.2.2.2)");
    }
    // With any other reason than success the will is published [MQTT-3.14.4-3].
    const isGraceful = reason === REASON.success;
    this.#leaving =
      sessionExpirySeconds === null
        ? { isGraceful }
        : { isGraceful, expirySeconds: sessionExpirySeconds };
    this.#stage = "ending";
    this.connection.close();
  }

  accepted(packetId: number, qos: 1 | 2, receivedAt: number): void {
    this.connection.outbox.acknowledged(receivedAt);
    this.acknowledge(qos === 1 ? "puback" : "pubrec", packetId);
    if (qos === 2) this.#settle(packetId, null);
  }

  refused(packetId: number, qos: 1 | 2, error: GatewayError): void {
    if (qos === 2) {
      this.#settle(packetId, error);
      this.quota.released();
    }
    this.connection.refuse(error);
  }

  acknowledge(
    name: AcknowledgementName,
    packetId: number,
    reason: ReasonCode = REASON.success,
    message: string | null = null,
  ): void {
    const { outbox } = this.connection;
    if (reason === REASON.success || this.peer.version !== 5) {
      outbox.controlWord(FIRST_BYTES[name], 2, packetId >> 8, packetId & 0xff);
      return;
    }
    const { writer } = this.#parts;
    writer.reset();
    const explanation = message === null ? {} : { reasonString: message };
    if (encodeAcknowledgement(writer, this.peer, name, packetId, reason, explanation)) {
      outbox.control(writer.copy());
    }
  }

  refuseMessage(name: "puback" | "pubrec", packetId: number, error: GatewayError): void {
    const isOwn = error instanceof PacketError && isServerReason(name, error.reason);
    this.acknowledge(
      name,
      packetId,
      isOwn ? error.reason : reasonFor(name, error.code),
      error.message,
    );
  }

  whenDurable(callback: () => void): void {
    const record = this.session?.record;
    if (record === undefined || !record.isAwaited) {
      callback();
      return;
    }
    record.whenDurable((refusal) => {
      if (this.connection.isOver) return;
      if (refusal !== null) this.connection.refuse(refusal);
      else callback();
    });
  }

  answerWhenDurable(callback: () => void): void {
    this.connection.hold(HOLD.engine);
    this.#isAnswering = true;
    this.whenDurable(() => {
      this.#isAnswering = false;
      try {
        callback();
      } catch (thrown) {
        this.connection.refuse(thrown);
      }
      this.wake();
      this.connection.release(HOLD.engine);
    });
  }

  /** Hands packet after packet over, as long as nothing holds the connection. */
  #read(): void {
    // An answer that is written at once may release the connection from within.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#rest !== null && this.#stage !== "ending" && !this.connection.isHeldAtAll) {
        const chunk = this.#rest;
        this.#restFrom = this.#scanner.push(chunk, this, this.#restFrom);
        if (this.#restFrom >= chunk.length) this.#rest = null;
      }
    } finally {
      this.#isReading = false;
    }
  }

  #connect(bytes: Buffer, start: number, body: number, end: number): void {
    const { context, options } = this.#parts;
    const outcome = parseConnect(bytes, start, body, end, { ...context.limits, ...options });
    if (outcome.is === "close") throw new GatewayError("bad_request", outcome.message);
    this.#stage = "connecting";
    const { version, maxPacketBytes, wantsProblems } =
      outcome.is === "request" ? outcome.packet : outcome.peer;
    this.peer = version === 5 ? { version, maxPacketBytes, wantsProblems } : PEERS[version];
    if (outcome.is === "refusal") throw new PacketError(outcome.reason, outcome.message);
    const { packet } = outcome;
    this.receiveMaximum = packet.receiveMaximum;
    this.#hasExpiry = packet.sessionExpirySeconds > 0;
    if (version === 5) this.encoder = this.#encoderFor(packet);
    this.connection.hold(HOLD.engine);
    openSession(this, packet, this.#parts).catch((thrown) => this.connection.refuse(thrown));
  }

  #encoderFor(packet: ConnectPacket): EncoderV5 {
    const { context, options, tailV5: tail, publishes, packets } = this.#parts;
    const { bus, clock } = context;
    const aliases = Math.min(packet.topicAliasMaximum, options.maxTopicAliases);
    const tooLarge = () => bus.noteDropped(this.transport, "too_large", 1);
    return new EncoderV5(this.peer, aliases, { clock, publishes, packets, tail, tooLarge });
  }

  /** Tells those who wait for the same message of QoS 2 what became of it. */
  #settle(packetId: number, error: GatewayError | null): void {
    const { session } = this;
    const waiting = session?.incoming.get(packetId) ?? null;
    if (session === null || waiting === null) return;
    if (error === null) session.incoming.set(packetId, null);
    else session.release(packetId);
    for (const tell of waiting) tell(error);
  }
}

const FIRST_BYTES: Readonly<Record<AcknowledgementName, number>> = {
  puback: PACKET_TYPE.puback << 4,
  pubrec: PACKET_TYPE.pubrec << 4,
  pubrel: (PACKET_TYPE.pubrel << 4) | 2,
  pubcomp: PACKET_TYPE.pubcomp << 4,
};

/** What a client is told whose session ends by policy. */
const ENDINGS: Partial<Record<ErrorCode, string>> = {
  slow_subscriber: "more messages wait for the client than its queue may hold",
  gap: "messages the client was to be sent are no longer kept",
};
