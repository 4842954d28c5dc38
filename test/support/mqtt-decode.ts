import { PROTOCOL_TOPIC_LIMITS } from "../../src/bus/topic.ts";
import { AcknowledgementReader } from "../../src/transport/mqtt/native/codec/acknowledgement.ts";
import { parseAuth } from "../../src/transport/mqtt/native/codec/auth.ts";
import { parseConnect } from "../../src/transport/mqtt/native/codec/connect.ts";
import { parseDisconnect } from "../../src/transport/mqtt/native/codec/disconnect.ts";
import { PacketError } from "../../src/transport/mqtt/native/codec/packet-error.ts";
import { clientPacketType } from "../../src/transport/mqtt/native/codec/packet-header.ts";
import {
  PACKET_TYPE,
  type ProtocolVersion,
} from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { checkPingreq } from "../../src/transport/mqtt/native/codec/ping.ts";
import { PublishReader } from "../../src/transport/mqtt/native/codec/publish.ts";
import { parseSubscribe } from "../../src/transport/mqtt/native/codec/subscribe.ts";
import { TopicNames } from "../../src/transport/mqtt/native/codec/topic-names.ts";
import { parseUnsubscribe } from "../../src/transport/mqtt/native/codec/unsubscribe.ts";
import { LIMITS } from "./mqtt-codec.ts";

const publish = new PublishReader(new TopicNames(PROTOCOL_TOPIC_LIMITS));
const acknowledgement = new AcknowledgementReader();

/** A packet of a client as the codec reads it, as a value that can be compared. */
export type Decoded = Readonly<Record<string, unknown>>;

/** Reads `bytes[start…end)` by what its first byte says; CONNECT as a first packet. Throws. */
export function decode(
  bytes: Buffer,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Decoded {
  const first = bytes[start] ?? 0;
  if (first >> 4 === PACKET_TYPE.connect) {
    return { ...parseConnect(bytes, start, body, end, LIMITS) };
  }
  const type = clientPacketType(first, version);
  switch (type) {
    case PACKET_TYPE.publish:
      return decodePublish(bytes, start, body, end, version);
    case PACKET_TYPE.puback:
      return decodeAcknowledgement("puback", bytes, body, end, version);
    case PACKET_TYPE.pubrec:
      return decodeAcknowledgement("pubrec", bytes, body, end, version);
    case PACKET_TYPE.pubrel:
      return decodeAcknowledgement("pubrel", bytes, body, end, version);
    case PACKET_TYPE.pubcomp:
      return decodeAcknowledgement("pubcomp", bytes, body, end, version);
    case PACKET_TYPE.subscribe:
      return { ...parseSubscribe(bytes, body, end, version, LIMITS) };
    case PACKET_TYPE.unsubscribe:
      return { ...parseUnsubscribe(bytes, body, end, version, LIMITS) };
    case PACKET_TYPE.pingreq:
      checkPingreq(body, end);
      return { ping: true };
    case PACKET_TYPE.disconnect:
      return { ...parseDisconnect(bytes, body, end, version) };
    default:
      return { ...parseAuth(bytes, body, end) };
  }
}

function decodePublish(
  bytes: Buffer,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): Decoded {
  publish.read(bytes, start, body, end, version);
  const { qos, isDuplicate, isRetained, packetId, topic, topicAlias, properties } = publish;
  const payload = bytes.toString("hex", publish.payloadStart, publish.payloadEnd);
  return { qos, isDuplicate, isRetained, packetId, topic, topicAlias, properties, payload };
}

function decodeAcknowledgement(
  name: "puback" | "pubrec" | "pubrel" | "pubcomp",
  bytes: Buffer,
  body: number,
  end: number,
  version: ProtocolVersion,
): Decoded {
  acknowledgement.read(bytes, name, body, end, version);
  return { name, ...acknowledgement };
}

/** As {@link decode}; a refusal is a value, too, any other error is thrown. */
export function outcomeOf(...packet: Parameters<typeof decode>): Decoded {
  try {
    return decode(...packet);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return { refused: error.reason, message: error.message };
  }
}
