import type { PacketName } from "./packet-types.ts";

/** What has properties: most packets, and the will within CONNECT. */
export type PropertyPlace = PacketName | "will";

/**
 * Form of a property's value. All one-byte properties are 0 or 1; only user properties and the
 * subscription identifiers of PUBLISH may repeat.
 */
type PropertyType =
  | "flag"
  | "uint16"
  | "uint32"
  | "identifiers"
  | "text"
  | "topic"
  | "binary"
  | "pairs";

/** What the specification says of one property. */
export interface PropertyForm {
  /** Its identifier on the wire. */
  readonly id: number;
  readonly type: PropertyType;
  /** Where it may stand; anywhere else the packet is malformed (§2.2.2.2). */
  readonly places: readonly PropertyPlace[];
  /** Places in which only the server may write it: a protocol error when a client does. */
  readonly serverOnly?: readonly PropertyPlace[];
  /** Whether 0 is no value of it: a protocol error. */
  readonly isNeverZero?: true;
}

const MESSAGE_PLACES = ["publish", "will"] as const;
const ENDING_PLACES = ["connack", "disconnect"] as const;
const HELLO_PLACES = ["connect", "connack"] as const;
const AUTHENTICATION_PLACES = ["connect", "connack", "auth"] as const;
const ANSWER_PLACES = [
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "suback",
  "unsuback",
  "auth",
  ...ENDING_PLACES,
] as const;

/** Table 2-4 of MQTT 5 §2.2.2.2, with the rules of the sections it points to. */
export const PROPERTIES = {
  payloadFormat: { id: 0x01, type: "flag", places: MESSAGE_PLACES },
  messageExpiry: { id: 0x02, type: "uint32", places: MESSAGE_PLACES },
  contentType: { id: 0x03, type: "text", places: MESSAGE_PLACES },
  responseTopic: { id: 0x08, type: "topic", places: MESSAGE_PLACES },
  correlationData: { id: 0x09, type: "binary", places: MESSAGE_PLACES },
  // A client's PUBLISH must hold none [MQTT-3.3.4-6].
  subscriptionIdentifiers: {
    id: 0x0b,
    type: "identifiers",
    places: ["publish", "subscribe"],
    serverOnly: ["publish"],
    isNeverZero: true,
  },
  sessionExpiry: { id: 0x11, type: "uint32", places: ["connect", "connack", "disconnect"] },
  assignedClientId: { id: 0x12, type: "text", places: ["connack"] },
  serverKeepAlive: { id: 0x13, type: "uint16", places: ["connack"] },
  authenticationMethod: { id: 0x15, type: "text", places: AUTHENTICATION_PLACES },
  authenticationData: { id: 0x16, type: "binary", places: AUTHENTICATION_PLACES },
  requestProblemInformation: { id: 0x17, type: "flag", places: ["connect"] },
  willDelay: { id: 0x18, type: "uint32", places: ["will"] },
  requestResponseInformation: { id: 0x19, type: "flag", places: ["connect"] },
  responseInformation: { id: 0x1a, type: "text", places: ["connack"] },
  serverReference: {
    id: 0x1c,
    type: "text",
    places: ENDING_PLACES,
    serverOnly: ["disconnect"],
  },
  reasonString: { id: 0x1f, type: "text", places: ANSWER_PLACES },
  receiveMaximum: { id: 0x21, type: "uint16", places: HELLO_PLACES, isNeverZero: true },
  topicAliasMaximum: { id: 0x22, type: "uint16", places: HELLO_PLACES },
  // Zero is refused where it is read, by a reason code of its own [MQTT-3.3.2-8].
  topicAlias: { id: 0x23, type: "uint16", places: ["publish"] },
  maximumQos: { id: 0x24, type: "flag", places: ["connack"] },
  retainAvailable: { id: 0x25, type: "flag", places: ["connack"] },
  userProperties: {
    id: 0x26,
    type: "pairs",
    places: ["connect", "subscribe", "unsubscribe", ...MESSAGE_PLACES, ...ANSWER_PLACES],
  },
  maximumPacketSize: { id: 0x27, type: "uint32", places: HELLO_PLACES, isNeverZero: true },
  wildcardSubscriptionAvailable: { id: 0x28, type: "flag", places: ["connack"] },
  subscriptionIdentifiersAvailable: { id: 0x29, type: "flag", places: ["connack"] },
  sharedSubscriptionAvailable: { id: 0x2a, type: "flag", places: ["connack"] },
} as const satisfies Record<string, PropertyForm>;

/** A name of {@link PROPERTIES}. */
export type PropertyName = keyof typeof PROPERTIES;

interface ValueOf {
  flag: 0 | 1;
  uint16: number;
  uint32: number;
  identifiers: readonly number[];
  text: string;
  topic: string;
  binary: Uint8Array;
  pairs: readonly (readonly [string, string])[];
}

/** The properties that may stand in one place, by name; what is absent was not sent. */
export type PropertiesOf<Place extends PropertyPlace> = {
  readonly [Name in PropertyName as Place extends (typeof PROPERTIES)[Name]["places"][number]
    ? Name
    : never]?: ValueOf[(typeof PROPERTIES)[Name]["type"]];
};

/** Pairs of name and value, in the sender's order; names may repeat (§2.2.2.2). */
export type UserProperties = ValueOf["pairs"];

/** Seconds of a session expiry that never comes (§3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff;
