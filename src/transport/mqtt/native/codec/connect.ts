import type { TopicLimits } from "../../../../bus/topic.ts";
import {
  announcedBinary,
  announcedText,
  parseConnectFlags,
  parseWill,
  type Will,
} from "./connect-fields.ts";
import { malformed, PacketError } from "./packet-error.ts";
import { PacketFields } from "./packet-fields.ts";
import { MAX_PACKET_BYTES, PACKET_TYPE, type ProtocolVersion } from "./packet-types.ts";
import { type Peer, peerOf } from "./peer.ts";
import { NEVER_EXPIRES, type PropertiesOf, type UserProperties } from "./properties.ts";
import { readProperties } from "./property-reading.ts";
import { REASON, type ReasonCode } from "./reason-codes.ts";

/** A CONNECT packet that may be answered with acceptance; absent properties have their defaults. */
export interface ConnectPacket extends Peer {
  /** Clean session, or clean start in MQTT 5. */
  readonly clean: boolean;
  readonly keepAliveSeconds: number;
  /** Empty when the client leaves the choice to the server. */
  readonly clientId: string;
  readonly will: Will | null;
  readonly user: string | null;
  readonly password: Uint8Array | null;
  /**
   * Seconds the session outlives its connection: 0 not at all, {@link NEVER_EXPIRES} without end.
   * Before MQTT 5 one of these two, by the clean session flag.
   */
  readonly sessionExpirySeconds: number;
  /** Messages of QoS 1 and 2 the client takes unacknowledged, 1…65,535. */
  readonly receiveMaximum: number;
  /** The highest alias the client takes; 0 is none. */
  readonly topicAliasMaximum: number;
  readonly wantsResponseInformation: boolean;
  readonly userProperties: UserProperties;
  /** Extended authentication is asked for when it is not `null` (§4.12). */
  readonly authenticationMethod: string | null;
  readonly authenticationData: Uint8Array | null;
}

/** What a first packet comes to. */
export type ConnectOutcome =
  | { readonly is: "request"; readonly packet: ConnectPacket }
  /** To be answered by `encodeRefusal`, then closed. */
  | {
      readonly is: "refusal";
      readonly peer: Peer;
      readonly reason: ReasonCode;
      readonly message: string;
    }
  /** To be closed without an answer. */
  | { readonly is: "close"; readonly message: string };

/** Bounds of a CONNECT packet. */
export interface ConnectLimits extends TopicLimits {
  readonly maxClientIdBytes: number;
  /**
   * 0: whatever the client asks for. An older client that asks for more is refused; MQTT 5 is told
   * the server's own keep-alive instead, by whoever answers.
   */
  readonly maxKeepAliveSeconds: number;
}

/** MQTT 3.1 allows client ids of 1 to 23 characters (MQTT 3.1 §3.1, "Client Identifier"). */
const MAX_CLIENT_ID_31 = 23;

/** Parses the first packet of a connection, `bytes[start…end)` with its variable header at `body`. */
export function parseConnect(
  bytes: Buffer,
  start: number,
  body: number,
  end: number,
  limits: ConnectLimits,
): ConnectOutcome {
  const firstByte = bytes[start] ?? 0;
  if (firstByte >> 4 !== PACKET_TYPE.connect) {
    return { is: "close", message: "the first packet is not CONNECT [MQTT-3.1.0-1]" };
  }
  const fields = new PacketFields(bytes, body, end);
  let peer: Peer | null = null;
  try {
    const name = fields.text("protocol name");
    const level = fields.byte();
    peer = versionOf(name, level);
    if ((firstByte & 0x0f) !== 0) throw malformed("CONNECT has header flags [MQTT-2.1.3-1]");
    const request = peer.version === 5 ? parseOpening(fields) : parseOldOpening(fields, peer);
    peer = request.peer;
    const packet = parsePayload(fields, request, limits);
    return judge(packet, limits) ?? { is: "request", packet };
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    const { reason, message } = error;
    if (error instanceof VersionRefusal)
      return { is: "refusal", peer: error.peer, reason, message };
    // Only MQTT 5 has an answer to what is malformed; before the version is known, no one has.
    if (peer?.version !== 5) return { is: "close", message };
    return { is: "refusal", peer, reason, message };
  }
}

/** A version we do not speak, answered in the form that every client has had to read [MQTT-3.1.2-2]. */
class VersionRefusal extends PacketError {
  readonly peer: Peer;

  constructor(level: number) {
    super(REASON.unsupportedProtocolVersion, `protocol level ${level} is not supported`);
    this.peer = peerOf(4);
  }
}

function versionOf(name: string, level: number): Peer {
  if (name !== "MQTT" && name !== "MQIsdp") {
    throw malformed("protocol name is neither MQTT nor MQIsdp [MQTT-3.1.2-1]");
  }
  if (name === "MQIsdp" && level === 3) return peerOf(3);
  if (name === "MQTT" && level === 4) return peerOf(4);
  if (name === "MQTT" && level === 5) return peerOf(5);
  throw new VersionRefusal(level);
}

/** What stands before the payload, with the properties as they were sent. */
interface Opening {
  readonly peer: Peer;
  readonly flags: ReturnType<typeof parseConnectFlags>;
  readonly keepAliveSeconds: number;
  readonly properties: PropertiesOf<"connect">;
}

function parseOpening(fields: PacketFields): Opening {
  const flags = parseConnectFlags(fields.byte(), 5);
  const keepAliveSeconds = fields.uint16();
  const properties = readProperties(fields, "connect");
  const peer: Peer = {
    version: 5,
    maxPacketBytes: properties.maximumPacketSize ?? MAX_PACKET_BYTES,
    wantsProblems: properties.requestProblemInformation !== 0,
  };
  return { peer, flags, keepAliveSeconds, properties };
}

function parseOldOpening(fields: PacketFields, peer: Peer): Opening {
  const flags = parseConnectFlags(fields.byte(), peer.version);
  return { peer, flags, keepAliveSeconds: fields.uint16(), properties: {} };
}

/** Client id, will, user name, password, in this order [MQTT-3.1.3-1]. */
function parsePayload(
  fields: PacketFields,
  { peer, flags, keepAliveSeconds, properties }: Opening,
  limits: TopicLimits,
): ConnectPacket {
  const { version } = peer;
  const clientId = fields.text("client id");
  const will = flags.hasWill ? parseWill(fields, flags, version, limits) : null;
  const user = announcedText(fields, flags.hasUser, version, "user name");
  const password = announcedBinary(fields, flags.hasPassword, version);
  fields.expectEnd("CONNECT");
  return {
    ...peer,
    clean: flags.clean,
    keepAliveSeconds,
    clientId,
    will,
    user,
    password,
    sessionExpirySeconds: properties.sessionExpiry ?? defaultExpiry(version, flags.clean),
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    wantsResponseInformation: properties.requestResponseInformation === 1,
    userProperties: properties.userProperties ?? [],
    authenticationMethod: properties.authenticationMethod ?? null,
    authenticationData: properties.authenticationData ?? null,
  };
}

function defaultExpiry(version: ProtocolVersion, clean: boolean): number {
  return version === 5 || clean ? 0 : NEVER_EXPIRES;
}

/** The refusal of a packet that is well-formed but past what its version or our limits allow. */
function judge(packet: ConnectPacket, limits: ConnectLimits): ConnectOutcome | null {
  const { clientId, clean, version, keepAliveSeconds } = packet;
  const bytes = Buffer.byteLength(clientId);
  if (bytes > limits.maxClientIdBytes || (version === 3 && clientId.length > MAX_CLIENT_ID_31)) {
    return refuseClientId(packet, `client id is ${bytes} bytes long`);
  }
  if (bytes === 0 && version === 3) return refuseClientId(packet, "MQTT 3.1 needs a client id");
  if (bytes === 0 && version === 4 && !clean) {
    return refuseClientId(packet, "a persistent session needs a client id [MQTT-3.1.3-8]");
  }
  const limit = limits.maxKeepAliveSeconds;
  if (version !== 5 && limit > 0 && (keepAliveSeconds === 0 || keepAliveSeconds > limit)) {
    const message = `keep-alive is ${keepAliveSeconds} s; the limit is ${limit}`;
    return { is: "refusal", peer: packet, reason: REASON.serverUnavailable, message };
  }
  return null;
}

function refuseClientId(peer: Peer, message: string): ConnectOutcome {
  return { is: "refusal", peer, reason: REASON.clientIdentifierNotValid, message };
}
