import type { Config } from "./schema.ts";

/** Room in an MQTT packet beside payload and topic: fixed header, packet id, properties. */
const MQTT_OVERHEAD_BYTES = 65_536;

/** Bytes of one MQTT packet when the setting leaves it open. */
export function derivedMaxPacketBytes(
  limits: Pick<Config["limits"], "maxPayloadBytes" | "maxTopicBytes">,
): number {
  return limits.maxPayloadBytes + limits.maxTopicBytes + MQTT_OVERHEAD_BYTES;
}
