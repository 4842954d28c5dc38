import { protocolError } from "./packet-error.ts";
import type { PacketFields } from "./packet-fields.ts";

/** Reads a packet id, which is not 0 [MQTT-2.2.1-3]. */
export function readPacketId(fields: PacketFields): number {
  const packetId = fields.uint16();
  if (packetId === 0) throw protocolError("packet id is 0 [MQTT-2.2.1-3]");
  return packetId;
}
