import { GatewayError } from "../../../errors.ts";
import type { Credentials } from "../../../security/authenticator.ts";
import type { SessionRequest } from "../session-table.ts";
import { encodeConnack } from "./codec/connack.ts";
import type { ConnectPacket } from "./codec/connect.ts";
import { PacketError } from "./codec/packet-error.ts";
import { REASON } from "./codec/reason-codes.ts";
import { assignClientId, connackProperties, expiryOf } from "./connack-properties.ts";
import type { Link } from "./link.ts";
import type { LinkParts } from "./link-parts.ts";

/**
 * From CONNECT to CONNACK: who the client is, its session, and that it is durable before the client
 * is told of it. Rejects with the refusal.
 */
export async function openSession(
  link: Link,
  packet: ConnectPacket,
  parts: LinkParts,
): Promise<void> {
  if (parts.isDraining()) throw new GatewayError("draining", "the gateway is about to stop");
  if (packet.authenticationMethod !== null) {
    throw new PacketError(
      REASON.badAuthenticationMethod,
      `authentication method "${packet.authenticationMethod}" is not supported (§4.12)`,
    );
  }
  const { connection } = link;
  const { certificate, session: connected } = connection;
  const { authenticator } = parts.context;
  const identity = await authenticator.authenticate(
    credentialsOf(packet) ?? certificate,
    connected.address,
  );
  if (connection.isOver) return;
  connected.identity = identity;
  attach(link, packet, parts);
}

function attach(link: Link, packet: ConnectPacket, parts: LinkParts): void {
  const { sessions, options, writer } = parts;
  const assigned = packet.clientId === "" ? assignClientId() : null;
  const request = requestOf(packet, assigned ?? packet.clientId);
  sessions.checkRoom(request.clientId, request.endsWithConnection);
  const sessionPresent = !packet.clean && sessions.hasPersistent(request.clientId);
  link.attached(sessions.attach(link, request));
  link.answerWhenDurable(() => {
    const properties = connackProperties(packet, options, assigned);
    writer.reset();
    const connack = { sessionPresent, reason: REASON.success, properties };
    if (!encodeConnack(writer, link.peer, connack)) {
      throw new PacketError(REASON.packetTooLarge, "CONNACK is too large for the client");
    }
    link.connection.outbox.control(writer.copy());
    link.connected(packet);
  });
}

function requestOf(packet: ConnectPacket, clientId: string): SessionRequest {
  return {
    clientId,
    isCleanStart: packet.clean,
    endsWithConnection: packet.sessionExpirySeconds === 0,
    expirySeconds: expiryOf(packet.sessionExpirySeconds),
    will: packet.will,
  };
}

/** `null` when CONNECT holds none: then the certificate speaks for the client. */
function credentialsOf({ user, password }: ConnectPacket): Credentials | null {
  const secret = password === null ? "" : Buffer.from(password).toString("utf8");
  if (user !== null) return { kind: "password", user, password: secret };
  // MQTT 5 §3.1.2.9: what is no user's password may be any other credential.
  return password === null ? null : { kind: "token", token: secret };
}
