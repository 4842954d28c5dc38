import type { QoS } from "../../bus/message.ts";
import { parseTopic, type Topic, type TopicLimits } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import { FieldReader } from "./field-reader.ts";
import { CONNACK, CONNACK_V5_UNSUPPORTED, encodeConnack, PACKET } from "./packet-type.ts";

/** The message a client leaves to be published when its connection ends without DISCONNECT. */
export interface Will {
  readonly topic: Topic;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** A CONNECT packet that may be answered with acceptance. */
export interface ConnectPacket {
  /** 3 is MQTT 3.1, 4 is MQTT 3.1.1. */
  readonly version: 3 | 4;
  readonly clean: boolean;
  readonly keepAliveSeconds: number;
  /** Empty when the client leaves the choice to the server. */
  readonly clientId: string;
  readonly will: Will | null;
  readonly user: string | null;
  readonly password: Buffer | null;
}

/** What a first packet comes to: a connect request, or the CONNACK that refuses it. */
export type ConnectOutcome =
  | { readonly is: "request"; readonly packet: ConnectPacket }
  | { readonly is: "refusal"; readonly connack: Uint8Array; readonly reason: string };

/** Bounds of a CONNECT packet. */
export interface ConnectLimits extends TopicLimits {
  readonly maxClientIdBytes: number;
  /** 0: whatever the client asks for. */
  readonly maxKeepAliveSeconds: number;
}

/** MQTT 3.1 allows client ids of 1 to 23 characters (MQTT 3.1 §3.1, "Client Identifier"). */
const MAX_CLIENT_ID_31 = 23;

/**
 * Parses the first packet of a connection. Throws `bad_request` or `invalid_topic` for what must
 * close the connection without an answer, a packet other than CONNECT among it [MQTT-3.1.0-1].
 */
export function parseConnect(
  bytes: Buffer,
  start: number,
  body: number,
  end: number,
  limits: ConnectLimits,
): ConnectOutcome {
  const header = bytes[start] ?? 0;
  if (header >> 4 !== PACKET.connect || (header & 0x0f) !== 0) {
    throw new GatewayError("bad_request", "the first packet is not CONNECT [MQTT-3.1.0-1]");
  }
  const fields = new FieldReader(bytes, body, end);
  const name = fields.text();
  const level = fields.byte();
  const version = versionOf(name, level);
  if (version === null) return refuseVersion(level);
  const flags = parseFlags(fields.byte());
  const keepAliveSeconds = fields.uint16();
  const clientId = fields.text();
  const will = flags.hasWill ? parseWill(fields, flags, limits) : null;
  const user = flags.hasUser ? fields.text() : null;
  const password = flags.hasPassword ? fields.binary() : null;
  if (!fields.isAtEnd) throw new GatewayError("bad_request", "CONNECT is longer than its fields");
  const packet: ConnectPacket = {
    version,
    clean: flags.clean,
    keepAliveSeconds,
    clientId,
    will,
    user,
    password,
  };
  return judge(packet, limits);
}

function versionOf(name: string, level: number): 3 | 4 | null {
  if (name === "MQTT") return level === 4 ? 4 : null;
  if (name === "MQIsdp") return level === 3 ? 3 : null;
  throw new GatewayError("bad_request", "protocol name is neither MQTT nor MQIsdp [MQTT-3.1.2-1]");
}

function refuseVersion(level: number): ConnectOutcome {
  const connack = level === 5 ? CONNACK_V5_UNSUPPORTED : encodeConnack(CONNACK.unacceptableVersion);
  return { is: "refusal", connack, reason: `protocol level ${level} is not supported` };
}

interface ConnectFlags {
  readonly clean: boolean;
  readonly hasWill: boolean;
  readonly willQos: QoS;
  readonly willRetain: boolean;
  readonly hasUser: boolean;
  readonly hasPassword: boolean;
}

function parseFlags(byte: number): ConnectFlags {
  const hasWill = (byte & 0x04) !== 0;
  const willQos = (byte >> 3) & 3;
  const hasUser = (byte & 0x80) !== 0;
  const hasPassword = (byte & 0x40) !== 0;
  if ((byte & 0x01) !== 0) {
    throw new GatewayError("bad_request", "the reserved CONNECT flag is set [MQTT-3.1.2-3]");
  }
  if (!hasWill && (byte & 0x38) !== 0) {
    throw new GatewayError("bad_request", "will QoS or retain without a will [MQTT-3.1.2-13]");
  }
  if (hasPassword && !hasUser) {
    throw new GatewayError("bad_request", "password without user name [MQTT-3.1.2-22]");
  }
  return {
    clean: (byte & 0x02) !== 0,
    hasWill,
    willQos: qosOf(willQos),
    willRetain: (byte & 0x20) !== 0,
    hasUser,
    hasPassword,
  };
}

function qosOf(value: number): QoS {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new GatewayError("bad_request", "will QoS is 3 [MQTT-3.1.2-14]");
}

function parseWill(fields: FieldReader, flags: ConnectFlags, limits: TopicLimits): Will {
  const topic = parseTopic(fields.text(), limits);
  // The chunk it lies in is given back; the will stays for the life of the connection.
  const payload = Uint8Array.from(fields.binary());
  return { topic, payload, qos: flags.willQos, retain: flags.willRetain };
}

function judge(packet: ConnectPacket, limits: ConnectLimits): ConnectOutcome {
  const { clientId, clean, version, keepAliveSeconds } = packet;
  const bytes = Buffer.byteLength(clientId);
  if (bytes > limits.maxClientIdBytes || (version === 3 && clientId.length > MAX_CLIENT_ID_31)) {
    return refuseIdentifier(`client id is ${bytes} bytes long`);
  }
  if (bytes === 0 && version === 3) return refuseIdentifier("MQTT 3.1 needs a client id");
  if (bytes === 0 && !clean) {
    return refuseIdentifier("a persistent session needs a client id [MQTT-3.1.3-8]");
  }
  const limit = limits.maxKeepAliveSeconds;
  if (limit > 0 && (keepAliveSeconds === 0 || keepAliveSeconds > limit)) {
    const reason = `keep-alive is ${keepAliveSeconds} s; the limit is ${limit}`;
    return { is: "refusal", connack: encodeConnack(CONNACK.serverUnavailable), reason };
  }
  return { is: "request", packet };
}

function refuseIdentifier(reason: string): ConnectOutcome {
  return { is: "refusal", connack: encodeConnack(CONNACK.identifierRejected), reason };
}
