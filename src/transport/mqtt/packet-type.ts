/** Control packet types (MQTT 3.1.1 §2.2.1). */
export const PACKET = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const;

/** CONNACK return codes (MQTT 3.1.1 §3.2.2.3). */
export const CONNACK = {
  unacceptableVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badCredentials: 4,
  notAuthorized: 5,
} as const;

/** One of the refusals of {@link CONNACK}. */
export type ConnackCode = (typeof CONNACK)[keyof typeof CONNACK];

/** CONNACK that refuses, as MQTT 3.1 and 3.1.1 spell it: no session, the return code. */
export function encodeConnack(code: ConnackCode): Uint8Array {
  return Uint8Array.of(0x20, 2, 0, code);
}

/**
 * CONNACK of MQTT 5 with reason 0x84, unsupported protocol version, and no properties: a client of
 * that version is answered in a form it can read (MQTT 5 §3.1.2.2).
 */
export const CONNACK_V5_UNSUPPORTED: Uint8Array = Uint8Array.of(0x20, 3, 0, 0x84, 0);
