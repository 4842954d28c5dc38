import { Readable } from "node:stream";
import type { MqttSession } from "../mqtt-session.ts";
import { STAND_IN } from "./subscribe-rewriting.ts";

/** An aedes client, as far as its persistence is told of it. */
interface ClientName {
  readonly id: string;
}

interface PacketName {
  readonly cmd?: string;
  readonly messageId?: number;
}

/** Where the persistence finds what it speaks of. */
export interface SessionSource {
  sessionOf(client: object): MqttSession | null;
  hasPersistent(clientId: string): boolean;
}

/** A stored subscription that exists so that aedes answers "session present" [MQTT-3.2.2-2]. */
const SESSION_PRESENT = { topic: `${STAND_IN}session`, qos: 0 };

/**
 * Stands where aedes expects its store. Messages, subscriptions and what is in flight are the
 * session's; retained messages are the bus's; wills are kept with their connection. What remains is
 * to answer aedes' questions. Called by aedes/lib/handlers and aedes.js, whose method names these are.
 */
export class SessionPersistence {
  readonly #source: SessionSource;

  constructor(source: SessionSource) {
    this.#source = source;
  }

  /** aedes.js `listen` insists on an async function. */
  async setup(): Promise<void> {
    return;
  }

  async storeRetained(): Promise<void> {
    return;
  }

  createRetainedStreamCombi(): Readable {
    return Readable.from([]);
  }

  /** Nobody is queued for here: the fan-out did it. */
  async subscriptionsByTopic(): Promise<readonly never[]> {
    return [];
  }

  async outgoingEnqueueCombi(): Promise<void> {
    return;
  }

  async addSubscriptions(): Promise<void> {
    return;
  }

  async removeSubscriptions(): Promise<void> {
    return;
  }

  /** aedes restores nothing; it only has to know whether there is something. */
  async subscriptionsByClient(client: ClientName): Promise<readonly object[]> {
    return this.#source.hasPersistent(client.id) ? [{ ...SESSION_PRESENT }] : [];
  }

  async cleanSubscriptions(): Promise<void> {
    return;
  }

  /** The session redelivers by itself once CONNACK is written. */
  outgoingStream(): Readable {
    return Readable.from([]);
  }

  /** PUBREC of a persistent session: aedes is about to answer with PUBREL. */
  async outgoingUpdate(client: object, packet: PacketName): Promise<void> {
    if (packet.messageId !== undefined) {
      this.#source.sessionOf(client)?.received(packet.messageId);
    }
  }

  /** PUBACK or PUBCOMP. */
  async outgoingClearMessageId(client: object, packet: PacketName): Promise<PacketName> {
    if (packet.messageId !== undefined) {
      const qos = packet.cmd === "pubcomp" ? 2 : 1;
      this.#source.sessionOf(client)?.acknowledge(packet.messageId, qos);
    }
    return packet;
  }

  /**
   * Asked for a PUBLISH of QoS 2 after it was accepted, and for its PUBREL. "Found" makes aedes
   * answer a PUBLISH with PUBREC alone, which is all that is left to do.
   */
  async incomingGetPacket(client: object, packet: PacketName): Promise<PacketName> {
    const { messageId } = packet;
    const session = this.#source.sessionOf(client);
    if (messageId === undefined || session?.incoming.has(messageId) !== true) {
      throw new Error("no such packet");
    }
    return packet;
  }

  async incomingStorePacket(): Promise<void> {
    return;
  }

  async incomingDelPacket(client: object, packet: PacketName): Promise<void> {
    if (packet.messageId !== undefined) {
      this.#source.sessionOf(client)?.incoming.delete(packet.messageId);
    }
  }

  async cleanIncoming(): Promise<void> {
    return;
  }

  async putWill(): Promise<void> {
    return;
  }

  async delWill(): Promise<void> {
    return;
  }

  streamWill(): Readable {
    return Readable.from([]);
  }
}
