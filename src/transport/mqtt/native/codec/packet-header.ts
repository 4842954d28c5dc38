import { malformed, protocolError } from "./packet-error.ts";
import { PACKET_TYPE, type PacketType, type ProtocolVersion } from "./packet-types.ts";

/** Types a client may send once it is connected. */
export type ClientPacketType = Exclude<
  PacketType,
  | typeof PACKET_TYPE.connect
  | typeof PACKET_TYPE.connack
  | typeof PACKET_TYPE.suback
  | typeof PACKET_TYPE.unsuback
  | typeof PACKET_TYPE.pingresp
>;

/** MQTT 3.1 lets a client mark what it sends again (MQTT 3.1 §2.1, "DUP"). */
const DUPLICATE_FLAG = 0x08;

/**
 * The type of a packet that follows CONNECT, by its first byte: a type that a client may send
 * (§2.1.2) with the flags that type demands [MQTT-2.1.3-1]. Throws {@link PacketError}. The flags of
 * PUBLISH are its reader's to judge.
 */
export function clientPacketType(firstByte: number, version: ProtocolVersion): ClientPacketType {
  const type = firstByte >> 4;
  const flags = firstByte & 0x0f;
  switch (type) {
    case PACKET_TYPE.publish:
      return type;
    case PACKET_TYPE.pubrel:
    case PACKET_TYPE.subscribe:
    case PACKET_TYPE.unsubscribe:
      expectFlags(version === 3 ? flags & ~DUPLICATE_FLAG : flags, 2);
      return type;
    case PACKET_TYPE.puback:
    case PACKET_TYPE.pubrec:
    case PACKET_TYPE.pubcomp:
    case PACKET_TYPE.pingreq:
    case PACKET_TYPE.disconnect:
      expectFlags(flags, 0);
      return type;
    case PACKET_TYPE.auth:
      if (version !== 5) throw malformed("packet type 15 is reserved before MQTT 5 (§2.2.1)");
      expectFlags(flags, 0);
      return type;
    case PACKET_TYPE.connect:
      throw protocolError("a second CONNECT [MQTT-3.1.0-2]");
    case PACKET_TYPE.connack:
    case PACKET_TYPE.suback:
    case PACKET_TYPE.unsuback:
    case PACKET_TYPE.pingresp:
      throw protocolError(`packet type ${type} is the server's to send (§2.1.2)`);
    default:
      throw malformed("packet type 0 is reserved (§2.1.2)");
  }
}

function expectFlags(flags: number, required: number): void {
  if (flags !== required) {
    throw malformed(`reserved header flags are ${flags}, not ${required} [MQTT-2.1.3-1]`);
  }
}
