import type { Config } from "./schema.ts";

/** Room in an MQTT packet beside payload and topic: fixed header, packet id, properties. */
const MQTT_OVERHEAD_BYTES = 65_536;

/** Room in a frame beside its payload: the other fields of the command or message. */
const FRAME_OVERHEAD_BYTES = 8_192;

/**
 * Bytes of one WebSocket frame or one line of raw TCP: a payload in base64 takes 4/3 of its bytes,
 * and 8 KiB are left for everything else.
 */
export function maxFrameBytes(limits: Pick<Config["limits"], "maxPayloadBytes">): number {
  return Math.ceil((limits.maxPayloadBytes * 4) / 3) + FRAME_OVERHEAD_BYTES;
}

/** Bytes of one MQTT packet when the setting leaves it open. */
export function derivedMaxPacketBytes(
  limits: Pick<Config["limits"], "maxPayloadBytes" | "maxTopicBytes">,
): number {
  return limits.maxPayloadBytes + limits.maxTopicBytes + MQTT_OVERHEAD_BYTES;
}
