import { Readable } from "node:stream";
import type { AedesLink } from "./aedes-link.ts";
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
  linkOf(client: object): AedesLink | null;
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

  /** PUBREC of a persistent session: aedes answers with PUBREL when this is done. */
  async outgoingUpdate(client: object, packet: PacketName): Promise<void> {
    const link = this.#source.linkOf(client);
    if (packet.messageId === undefined || link === null) return;
    // A client that knows the id from an earlier process gets its PUBREL all the same.
    if (link.session?.received(packet.messageId) === true) await untilDurable(link);
  }

  /** PUBACK or PUBCOMP. */
  async outgoingClearMessageId(client: object, packet: PacketName): Promise<PacketName> {
    if (packet.messageId !== undefined) {
      const qos = packet.cmd === "pubcomp" ? 2 : 1;
      this.#source.linkOf(client)?.session?.acknowledge(packet.messageId, qos);
    }
    return packet;
  }

  /**
   * Asked for a PUBLISH of QoS 2 after it was accepted, and for its PUBREL. "Found" makes aedes
   * answer a PUBLISH with PUBREC alone, which is all that is left to do.
   */
  async incomingGetPacket(client: object, packet: PacketName): Promise<PacketName> {
    const { messageId } = packet;
    const link = this.#source.linkOf(client);
    if (messageId !== undefined && link?.session?.incoming.has(messageId) === true) return packet;
    // A PUBREL sent again: PUBCOMP must not overtake what the first one has changed.
    if (link !== null) await untilDurable(link);
    throw new Error("no such packet");
  }

  async incomingStorePacket(): Promise<void> {
    return;
  }

  /** PUBREL: PUBCOMP frees the packet id for another message, which a crash must not swallow. */
  async incomingDelPacket(client: object, packet: PacketName): Promise<void> {
    const link = this.#source.linkOf(client);
    if (packet.messageId === undefined || link === null) return;
    link.session?.release(packet.messageId);
    await untilDurable(link);
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

/** Resolves when what the session has noted is durable; else closes the connection and rejects. */
function untilDurable({ session, connection }: AedesLink): Promise<void> {
  return new Promise((resolve, reject) => {
    if (session === null) {
      resolve();
      return;
    }
    session.record.whenDurable((refusal) => {
      if (refusal === null) {
        resolve();
        return;
      }
      // At once: aedes goes on with its answer even if this rejects (lib/handlers/pubrel.js).
      connection.refuse(refusal);
      reject(refusal);
    });
  });
}
