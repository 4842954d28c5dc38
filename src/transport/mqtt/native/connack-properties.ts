import { randomBytes } from "node:crypto";
import type { MqttOptions } from "../options.ts";
import type { ConnectPacket } from "./codec/connect.ts";
import { NEVER_EXPIRES, type PropertiesOf } from "./codec/properties.ts";

/** 15 bytes, 20 characters: a client id nobody else has, and short enough for MQTT 3.1. */
const ASSIGNED_ID_BYTES = 15;

/** A client id for a client that leaves the choice to the server [MQTT-3.1.3-6]. */
export function assignClientId(): string {
  return randomBytes(ASSIGNED_ID_BYTES).toString("base64url");
}

/** What an MQTT 5 client may leave unacknowledged (§3.2.2.3.3); more ends its connection. */
export function receiveMaximumOf({ maxQueuedMessages }: MqttOptions): number {
  return Math.min(maxQueuedMessages, 65_535);
}

/**
 * Seconds after which the client is to be heard from: its own wish, or the server's limit where that
 * is shorter (§3.2.2.3.14); 0 for no such promise.
 */
export function keepAliveOf(packet: ConnectPacket, { maxKeepAliveSeconds }: MqttOptions): number {
  const { keepAliveSeconds } = packet;
  if (maxKeepAliveSeconds === 0) return keepAliveSeconds;
  if (keepAliveSeconds === 0) return maxKeepAliveSeconds;
  return Math.min(keepAliveSeconds, maxKeepAliveSeconds);
}

/** What CONNACK tells an MQTT 5 client of the server's limits and decisions (§3.2.2.3). */
export function connackProperties(
  packet: ConnectPacket,
  options: MqttOptions,
  assignedClientId: string | null,
): PropertiesOf<"connack"> {
  const keepAlive = keepAliveOf(packet, options);
  const expiry = shortenedExpiry(packet.sessionExpirySeconds, options.sessionExpirySeconds);
  const { responseInformation } = options;
  return {
    receiveMaximum: receiveMaximumOf(options),
    maximumPacketSize: options.maxPacketBytes,
    topicAliasMaximum: options.maxTopicAliases,
    wildcardSubscriptionAvailable: 1,
    subscriptionIdentifiersAvailable: 1,
    sharedSubscriptionAvailable: 1,
    ...(expiry === null ? {} : { sessionExpiry: expiry }),
    ...(assignedClientId === null ? {} : { assignedClientId }),
    ...(keepAlive === packet.keepAliveSeconds ? {} : { serverKeepAlive: keepAlive }),
    ...(packet.wantsResponseInformation && responseInformation !== ""
      ? { responseInformation }
      : {}),
  };
}

/** The expiry the server allows in place of the one that was asked for; `null` when that stands. */
function shortenedExpiry(asked: number, mostSeconds: number): number | null {
  if (mostSeconds === 0 || asked <= mostSeconds) return null;
  return mostSeconds;
}

/** Seconds as the session table counts them: `null` for as long as the server allows. */
export function expiryOf(seconds: number): number | null {
  return seconds === NEVER_EXPIRES ? null : seconds;
}
