import { type ErrorCode, errorForm } from "../../../../errors.ts";
import { PACKET_TYPE, type PacketName } from "./packet-types.ts";

/** Reason codes of MQTT 5 by their names in §2.4. */
export const REASON = {
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reauthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

/** A name of {@link REASON}. */
export type ReasonName = keyof typeof REASON;

/** A value of {@link REASON}. */
export type ReasonCode = (typeof REASON)[ReasonName];

/** Packets of each side that may carry a reason code (§2.4, and "sent by" in §3.4 to §3.15). */
interface Senders {
  readonly server: readonly PacketName[];
  readonly client: readonly PacketName[];
}

const PUBLISH_ANSWERS = ["puback", "pubrec"] as const;
const RELEASES = ["pubrel", "pubcomp"] as const;
const FILTER_ANSWERS = ["suback", "unsuback"] as const;
const BOTH_ENDINGS = ["connack", "disconnect"] as const;

const SENDERS: Readonly<Record<ReasonName, Senders>> = {
  success: {
    server: ["connack", ...PUBLISH_ANSWERS, ...RELEASES, ...FILTER_ANSWERS, "auth", "disconnect"],
    client: [...PUBLISH_ANSWERS, ...RELEASES, "disconnect"],
  },
  grantedQos1: { server: ["suback"], client: [] },
  grantedQos2: { server: ["suback"], client: [] },
  disconnectWithWill: { server: [], client: ["disconnect"] },
  noMatchingSubscribers: { server: PUBLISH_ANSWERS, client: [] },
  noSubscriptionExisted: { server: ["unsuback"], client: [] },
  continueAuthentication: { server: ["auth"], client: ["auth"] },
  reauthenticate: { server: [], client: ["auth"] },
  unspecifiedError: {
    server: [...BOTH_ENDINGS, ...PUBLISH_ANSWERS, ...FILTER_ANSWERS],
    client: [...PUBLISH_ANSWERS, "disconnect"],
  },
  malformedPacket: { server: BOTH_ENDINGS, client: ["disconnect"] },
  protocolError: { server: BOTH_ENDINGS, client: ["disconnect"] },
  implementationSpecificError: {
    server: [...BOTH_ENDINGS, ...PUBLISH_ANSWERS, ...FILTER_ANSWERS],
    client: [...PUBLISH_ANSWERS, "disconnect"],
  },
  unsupportedProtocolVersion: { server: ["connack"], client: [] },
  clientIdentifierNotValid: { server: ["connack"], client: [] },
  badUserNameOrPassword: { server: ["connack"], client: [] },
  notAuthorized: {
    server: [...BOTH_ENDINGS, ...PUBLISH_ANSWERS, ...FILTER_ANSWERS],
    client: PUBLISH_ANSWERS,
  },
  serverUnavailable: { server: ["connack"], client: [] },
  serverBusy: { server: BOTH_ENDINGS, client: [] },
  banned: { server: ["connack"], client: [] },
  serverShuttingDown: { server: ["disconnect"], client: [] },
  badAuthenticationMethod: { server: BOTH_ENDINGS, client: [] },
  keepAliveTimeout: { server: ["disconnect"], client: [] },
  sessionTakenOver: { server: ["disconnect"], client: [] },
  topicFilterInvalid: { server: [...FILTER_ANSWERS, "disconnect"], client: [] },
  topicNameInvalid: {
    server: [...BOTH_ENDINGS, ...PUBLISH_ANSWERS],
    client: [...PUBLISH_ANSWERS, "disconnect"],
  },
  packetIdentifierInUse: {
    server: [...PUBLISH_ANSWERS, ...FILTER_ANSWERS],
    client: PUBLISH_ANSWERS,
  },
  packetIdentifierNotFound: { server: RELEASES, client: RELEASES },
  receiveMaximumExceeded: { server: ["disconnect"], client: ["disconnect"] },
  topicAliasInvalid: { server: ["disconnect"], client: ["disconnect"] },
  packetTooLarge: { server: BOTH_ENDINGS, client: ["disconnect"] },
  messageRateTooHigh: { server: ["disconnect"], client: ["disconnect"] },
  quotaExceeded: {
    server: [...BOTH_ENDINGS, ...PUBLISH_ANSWERS, "suback"],
    client: [...PUBLISH_ANSWERS, "disconnect"],
  },
  administrativeAction: { server: ["disconnect"], client: ["disconnect"] },
  payloadFormatInvalid: {
    server: [...BOTH_ENDINGS, ...PUBLISH_ANSWERS],
    client: [...PUBLISH_ANSWERS, "disconnect"],
  },
  retainNotSupported: { server: BOTH_ENDINGS, client: [] },
  qosNotSupported: { server: BOTH_ENDINGS, client: [] },
  useAnotherServer: { server: BOTH_ENDINGS, client: [] },
  serverMoved: { server: BOTH_ENDINGS, client: [] },
  sharedSubscriptionsNotSupported: { server: ["suback", "disconnect"], client: [] },
  connectionRateExceeded: { server: BOTH_ENDINGS, client: [] },
  maximumConnectTime: { server: ["disconnect"], client: [] },
  subscriptionIdentifiersNotSupported: { server: ["suback", "disconnect"], client: [] },
  wildcardSubscriptionsNotSupported: { server: ["suback", "disconnect"], client: [] },
};

/** One bit a packet type, one entry a code: a packet's code is checked without a search. */
const SERVER_PACKETS = new Uint16Array(256);
const CLIENT_PACKETS = new Uint16Array(256);
const NAMES = new Map<number, ReasonName>();

for (const [name, code] of Object.entries(REASON)) {
  // `Object.entries` widens the keys of the table it is given.
  const reason = name as ReasonName;
  NAMES.set(code, reason);
  SERVER_PACKETS[code] = bits(SENDERS[reason].server);
  CLIENT_PACKETS[code] = bits(SENDERS[reason].client);
}

function bits(packets: readonly PacketName[]): number {
  return packets.reduce((mask, packet) => mask | (1 << PACKET_TYPE[packet]), 0);
}

/** Whether a client may send this byte as the reason code of this packet. */
export function isClientReason(packet: PacketName, code: number): code is ReasonCode {
  return ((CLIENT_PACKETS[code] ?? 0) & (1 << PACKET_TYPE[packet])) !== 0;
}

/** Whether a server may send this byte as the reason code of this packet. */
export function isServerReason(packet: PacketName, code: number): code is ReasonCode {
  return ((SERVER_PACKETS[code] ?? 0) & (1 << PACKET_TYPE[packet])) !== 0;
}

/** The code's name for logs, such as `topicAliasInvalid`; the number for a byte that is no code. */
export function reasonName(code: number): string {
  return NAMES.get(code) ?? `0x${code.toString(16).padStart(2, "0")}`;
}

/** What stands in for a code that a packet may not carry; the first that it may carry is taken. */
const SUBSTITUTES: ReadonlyMap<number, readonly ReasonCode[]> = new Map([
  [REASON.badUserNameOrPassword, [REASON.notAuthorized]],
  [REASON.serverShuttingDown, [REASON.serverUnavailable]],
  [REASON.topicFilterInvalid, [REASON.topicNameInvalid]],
  [REASON.topicNameInvalid, [REASON.topicFilterInvalid]],
  [REASON.messageRateTooHigh, [REASON.connectionRateExceeded, REASON.quotaExceeded]],
  [REASON.packetTooLarge, [REASON.quotaExceeded]],
]);

/** Packets of the server in which a refusal can be said. */
export type RefusingPacket = "connack" | "puback" | "pubrec" | "suback" | "unsuback" | "disconnect";

/** The reason code that says a refusal in a packet: that of `errors.ts`, or the nearest allowed. */
export function reasonFor(packet: RefusingPacket, error: ErrorCode): ReasonCode {
  const wanted = errorForm(error).mqtt5;
  if (isServerReason(packet, wanted)) return wanted;
  const substitutes = SUBSTITUTES.get(wanted) ?? [];
  const found = substitutes.find((code) => isServerReason(packet, code));
  return found ?? REASON.implementationSpecificError;
}

const RETURN_CODES: ReadonlyMap<number, number> = new Map([
  [REASON.success, 0],
  [REASON.unsupportedProtocolVersion, 1],
  [REASON.clientIdentifierNotValid, 2],
  [REASON.serverUnavailable, 3],
  [REASON.serverBusy, 3],
  [REASON.quotaExceeded, 3],
  [REASON.useAnotherServer, 3],
  [REASON.serverMoved, 3],
  [REASON.badUserNameOrPassword, 4],
  [REASON.notAuthorized, 5],
  [REASON.banned, 5],
]);

/**
 * The CONNACK return code by which MQTT 3.1 and 3.1.1 say a reason (§3.2.2.3); `null` when they have
 * none and the connection is closed without an answer.
 */
export function connackReturnCode(reason: ReasonCode): number | null {
  return RETURN_CODES.get(reason) ?? null;
}
