import type { GatewayError } from "../../../errors.ts";
import type { MqttConnection } from "../mqtt-connection.ts";
import type { MqttSession } from "../mqtt-session.ts";
import type { SessionLink } from "../session-parts.ts";
import type { ConnectPacket } from "./codec/connect.ts";
import type { DisconnectPacket } from "./codec/disconnect.ts";
import type { AcknowledgementName } from "./codec/packet-types.ts";
import type { Peer } from "./codec/peer.ts";
import type { ReasonCode } from "./codec/reason-codes.ts";
import type { InboundTopicAliases } from "./codec/topic-alias.ts";
import type { PendingReceipts } from "./pending-receipts.ts";
import type { PublishQuota } from "./publish-quota.ts";

/** One connection of the engine, as those see it who handle its packets. */
export interface Link extends SessionLink {
  readonly connection: MqttConnection;
  readonly peer: Peer;
  /** `null` before CONNECT is accepted. */
  readonly session: MqttSession | null;
  readonly receipts: PendingReceipts;
  readonly aliases: InboundTopicAliases;
  readonly quota: PublishQuota;
  /** The session is attached; its CONNACK is not written yet. */
  attached(session: MqttSession): void;
  /** CONNACK with success is written. */
  connected(packet: ConnectPacket): void;
  /** The client has said goodbye. */
  left(packet: DisconnectPacket): void;
  /** Writes an acknowledgement; an object only for the reasons of MQTT 5. */
  acknowledge(
    name: AcknowledgementName,
    packetId: number,
    reason?: ReasonCode,
    message?: string | null,
  ): void;
  /** The message is refused, and the connection lives. */
  refuseMessage(name: "puback" | "pubrec", packetId: number, error: GatewayError): void;
  /** Calls back when what the session has noted is durable, unless the connection is over by then. */
  whenDurable(callback: () => void): void;
  /** As {@link whenDurable}; until then nothing is read and no message is sent. */
  answerWhenDurable(callback: () => void): void;
}
