import type { MessageProperties, QoS } from "../../bus/message.ts";
import {
  PROTOCOL_TOPIC_LIMITS,
  parseFilter,
  parseTopic,
  type TopicFilter,
} from "../../bus/topic.ts";
import {
  booleanIn,
  listIn,
  numberIn,
  numberOrNullIn,
  objectIn,
  qosIn,
  type StateObject,
  textIn,
  textOrNullIn,
} from "./session-state-fields.ts";
import type { SessionWill } from "./session-will.ts";

/** How a subscription is to be served; MQTT 3 knows the QoS alone (MQTT 5 §3.8.3.1). */
export interface SubscriptionOptions {
  readonly qos: QoS;
  /** The client is not sent what it publishes itself. */
  readonly noLocal: boolean;
  /** RETAIN is passed on as it was published. */
  readonly retainAsPublished: boolean;
  /** Subscription identifier, 1…268,435,455; 0 for none. */
  readonly id: number;
}

/** One filter of a session. */
export interface SubscriptionState extends SubscriptionOptions {
  readonly filter: TopicFilter;
}

/** One share in a group. */
export interface ShareState extends SubscriptionState {
  readonly group: string;
  /** The whole text of the subscription. */
  readonly name: string;
}

/** What of a session outlives the process, its queue apart. */
export interface SessionState {
  readonly clientId: string;
  /** The session ends with its connection; it is stored for its will alone. */
  readonly isClean: boolean;
  /** Seconds of absence after which the session ends; `null` for as long as the server allows. */
  readonly expirySeconds: number | null;
  readonly user: string | null;
  /** Milliseconds since the Unix epoch; `null` while a connection has the session. */
  readonly awaySince: number | null;
  readonly subscriptions: readonly SubscriptionState[];
  readonly shares: readonly ShareState[];
  readonly will: SessionWill | null;
}

/** Of the form below. A later form has another number and reads this one, too. */
const VERSION = 1;

export function encodeSessionState(state: SessionState): Uint8Array {
  const { will } = state;
  const text = JSON.stringify({
    version: VERSION,
    ...state,
    will: will === null ? null : { ...will, ...encodedWill(will) },
  });
  return Buffer.from(text);
}

/** Throws when the bytes are not a state in a form this version knows; says where. */
export function parseSessionState(bytes: Uint8Array): SessionState {
  const state = objectIn(JSON.parse(Buffer.from(bytes).toString("utf8")), "state");
  const version = numberIn(state, "version");
  if (version !== VERSION) throw new Error(`the state has form ${version}, not ${VERSION}`);
  const will = state.will ?? null;
  return {
    clientId: textIn(state, "clientId"),
    isClean: booleanIn(state, "isClean"),
    expirySeconds: numberOrNullIn(state, "expirySeconds"),
    user: textOrNullIn(state, "user"),
    awaySince: numberOrNullIn(state, "awaySince"),
    subscriptions: listIn(state, "subscriptions").map(parseSubscription),
    shares: listIn(state, "shares").map(parseShare),
    will: will === null ? null : parseWill(objectIn(will, "will")),
  };
}

function parseSubscription(value: unknown): SubscriptionState {
  const found = objectIn(value, "subscription");
  return {
    filter: parseFilter(textIn(found, "filter"), PROTOCOL_TOPIC_LIMITS),
    qos: qosIn(found, "qos"),
    noLocal: booleanIn(found, "noLocal"),
    retainAsPublished: booleanIn(found, "retainAsPublished"),
    id: numberIn(found, "id"),
  };
}

function parseShare(value: unknown): ShareState {
  const found = objectIn(value, "share");
  const subscription = parseSubscription(found);
  return { ...subscription, group: textIn(found, "group"), name: textIn(found, "name") };
}

function encodedWill({ payload, properties }: SessionWill): object {
  const { correlationData } = properties;
  return {
    payload: base64(payload),
    properties: {
      ...properties,
      ...(correlationData === undefined ? {} : { correlationData: base64(correlationData) }),
    },
  };
}

function parseWill(found: StateObject): SessionWill {
  return {
    topic: parseTopic(textIn(found, "topic"), PROTOCOL_TOPIC_LIMITS),
    payload: fromBase64(textIn(found, "payload")),
    qos: qosIn(found, "qos"),
    retain: booleanIn(found, "retain"),
    properties: parseProperties(objectIn(found.properties, "properties")),
    delaySeconds: numberIn(found, "delaySeconds"),
  };
}

function parseProperties(found: StateObject): MessageProperties {
  const format = found.payloadFormat;
  return {
    ...(found.contentType === undefined ? {} : { contentType: textIn(found, "contentType") }),
    ...(found.responseTopic === undefined ? {} : { responseTopic: textIn(found, "responseTopic") }),
    ...(found.correlationData === undefined
      ? {}
      : { correlationData: fromBase64(textIn(found, "correlationData")) }),
    ...(format === 0 || format === 1 ? { payloadFormat: format } : {}),
    ...(found.expiry === undefined ? {} : { expiry: numberIn(found, "expiry") }),
    ...(found.userProperties === undefined
      ? {}
      : { userProperties: listIn(found, "userProperties").map(parsePair) }),
  };
}

function parsePair(value: unknown): readonly [string, string] {
  if (Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "string") {
    return [value[0], value[1]];
  }
  throw new Error("a user property is not a pair of texts");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"));
}
