import fc from "fast-check";
import { generate, type Packet, parser, type QoS } from "mqtt-packet";
import type { ProtocolVersion } from "../../src/transport/mqtt/native/codec/packet-types.ts";
import {
  PROPERTIES,
  type PropertiesOf,
  type PropertyForm,
  type PropertyPlace,
} from "../../src/transport/mqtt/native/codec/properties.ts";

/** Values of one kind of record, by name. */
type Values = Readonly<Record<string, unknown>>;

/** Text that MQTT can carry. */
export const mqttText = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .filter((text) => !text.includes("\0"));

/** A topic of any characters. */
export const mqttTopic = mqttText.filter((text) => text.length > 0 && !/[+#]/.test(text));

const uint32 = fc.oneof(fc.constantFrom(1, 0xffff_ffff), fc.integer({ min: 1, max: 0xffff_ffff }));
const identifier = fc.oneof(
  fc.constantFrom(1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455),
  fc.integer({ min: 1, max: 268_435_455 }),
);

/**
 * Names in an order that a foreign object keeps, next to each other as it keeps them; no empty
 * values, which `mqtt-packet` forgets when they repeat.
 */
const pairs = fc
  .uniqueArray(fc.tuple(mqttText, fc.array(mqttText, { minLength: 1, maxLength: 3 })), {
    selector: ([name]) => name,
    minLength: 1,
    maxLength: 4,
  })
  .map((lists) =>
    lists.flatMap(([name, values]) => values.map((value) => [`k${name}`, `v${value}`] as const)),
  );

const VALUES: Readonly<Record<PropertyForm["type"], fc.Arbitrary<unknown>>> = {
  flag: fc.constantFrom(0, 1),
  uint16: fc.integer({ min: 1, max: 65_535 }),
  uint32,
  identifiers: fc.array(identifier, { minLength: 1, maxLength: 1 }),
  text: mqttText,
  topic: mqttTopic,
  binary: fc.uint8Array({ maxLength: 12 }),
  pairs,
};

/** Any properties that may stand in a place, as the codec has them. */
export function propertiesIn<Place extends PropertyPlace>(
  place: Place,
  sender: "client" | "server",
): fc.Arbitrary<PropertiesOf<Place>> {
  const forms = Object.entries<PropertyForm>(PROPERTIES).filter(
    ([, form]) =>
      form.places.includes(place) && !(sender === "client" && form.serverOnly?.includes(place)),
  );
  const model = Object.fromEntries(forms.map(([name, { type }]) => [name, VALUES[type]]));
  return fc.record(model, { requiredKeys: [] }).map((record) => {
    const values: Record<string, unknown> = record;
    // Data without a method is refused: it comes with one.
    if (values.authenticationData !== undefined) values.authenticationMethod ??= "m";
    return values as PropertiesOf<Place>;
  });
}

/** Names by which `mqtt-packet` calls a property otherwise than we do. */
const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  payloadFormat: "payloadFormatIndicator",
  messageExpiry: "messageExpiryInterval",
  subscriptionIdentifiers: "subscriptionIdentifier",
  sessionExpiry: "sessionExpiryInterval",
  assignedClientId: "assignedClientIdentifier",
  willDelay: "willDelayInterval",
  maximumQos: "maximumQoS",
};

/** Our properties as `mqtt-packet` has them. */
export function toForeign(properties: Values): Record<string, unknown> {
  const forms: Readonly<Record<string, PropertyForm>> = PROPERTIES;
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      FOREIGN_NAMES[name] ?? name,
      foreignValue(name, forms[name]?.type, value),
    ]),
  );
}

function foreignValue(
  name: string,
  type: PropertyForm["type"] | undefined,
  value: unknown,
): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (type === "flag" && name !== "maximumQos") return value === 1;
  if (type === "identifiers" && Array.isArray(value) && value.length === 1) return value[0];
  return type === "pairs" && Array.isArray(value) ? foreignPairs(value) : value;
}

function foreignPairs(pairs: readonly (readonly [string, string])[]): Values {
  const lists: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const before = lists[name];
    if (before === undefined) lists[name] = value;
    else lists[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return lists;
}

/** The packet as `mqtt-packet` writes it. */
export function foreignBytes(packet: Values, version: ProtocolVersion): Buffer {
  // The packets are put together by tests, from parts whose types its own union does not know.
  return generate(packet as unknown as Packet, { protocolVersion: version });
}

/** What `mqtt-packet` reads, one packet after the other. Throws what it finds wrong. */
export function foreignPackets(bytes: Uint8Array, version: ProtocolVersion): Values[] {
  const packets: Values[] = [];
  const foreign = parser({ protocolVersion: version });
  foreign.on("packet", (packet) => packets.push({ ...packet }));
  foreign.on("error", (error) => {
    throw error;
  });
  foreign.parse(Buffer.from(bytes));
  return packets;
}

export const packetId = fc.integer({ min: 1, max: 65_535 });
export const qos = fc.constantFrom<QoS[]>(0, 1, 2);
