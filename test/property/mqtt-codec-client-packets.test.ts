import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProtocolVersion } from "../../src/transport/mqtt/native/codec/packet-types.ts";
import { isClientReason } from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import { filterText } from "../support/arbitraries.ts";
import { type Decoded, decode } from "../support/mqtt-decode.ts";
import {
  foreignBytes,
  mqttText,
  mqttTopic,
  packetId,
  propertiesIn,
  qos,
  toForeign,
} from "../support/mqtt-foreign.ts";

const RUNS = { numRuns: 1_000 };

const version = fc.constantFrom<ProtocolVersion[]>(3, 4, 5);
const payload = fc.uint8Array({ maxLength: 200 });

/** What the codec makes of a packet that `mqtt-packet` wrote. */
function read(packet: Readonly<Record<string, unknown>>, level: ProtocolVersion): Decoded {
  const bytes = foreignBytes(packet, level);
  let body = 1;
  while ((bytes[body] ?? 0) >= 0x80) body += 1;
  return decode(bytes, 0, body + 1, bytes.length, level);
}

/** Properties as they are sent in MQTT 5, and none before. */
function sent(level: ProtocolVersion, properties: object): Record<string, unknown> {
  return level === 5 ? { properties: toForeign({ ...properties }) } : {};
}

/** The same properties as they travel with a message. */
function traveling(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { messageExpiry, topicAlias, willDelay, ...rest } = properties;
  return messageExpiry === undefined ? rest : { ...rest, expiry: messageExpiry };
}

test("PUBLISH is read as it was written", () => {
  const publish = fc.record({
    level: version,
    qos,
    isDuplicate: fc.boolean(),
    isRetained: fc.boolean(),
    messageId: packetId,
    topic: mqttTopic,
    payload,
    properties: propertiesIn("publish", "client"),
  });
  fc.assert(
    fc.property(publish, ({ level, properties, messageId, isDuplicate, ...rest }) => {
      const dup = isDuplicate && rest.qos > 0;
      const payload = Buffer.from(rest.payload);
      const packet = { cmd: "publish", ...rest, payload, dup, retain: rest.isRetained, messageId };
      expect(read({ ...packet, ...sent(level, properties) }, level)).toEqual({
        qos: rest.qos,
        isDuplicate: dup,
        isRetained: rest.isRetained,
        packetId: rest.qos > 0 ? messageId : 0,
        topic: rest.topic,
        topicAlias: (level === 5 && properties.topicAlias) || 0,
        properties: level === 5 ? traveling(properties) : {},
        payload: payload.toString("hex"),
      });
    }),
    RUNS,
  );
});

test("CONNECT is read as it was written", () => {
  const will = fc.record({
    topic: mqttTopic,
    payload,
    qos,
    retain: fc.boolean(),
    properties: propertiesIn("will", "client"),
  });
  const connect = fc.record({
    level: version,
    clientId: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 23 }),
    clean: fc.boolean(),
    keepalive: fc.nat(65_535),
    user: fc.option(mqttText),
    password: fc.option(payload),
    will: fc.option(will),
    properties: propertiesIn("connect", "client"),
  });
  fc.assert(
    fc.property(
      connect,
      ({ level, clientId, clean, keepalive, user, will, properties, ...rest }) => {
        const password = user === null ? null : rest.password;
        const packet = {
          ...{
            cmd: "connect",
            protocolId: level === 3 ? "MQIsdp" : "MQTT",
            protocolVersion: level,
          },
          ...{ clientId, clean, keepalive, ...sent(level, properties) },
          ...(user === null ? {} : { username: user }),
          ...(password === null ? {} : { password: Buffer.from(password) }),
          ...(will === null
            ? {}
            : {
                will: {
                  ...will,
                  payload: Buffer.from(will.payload),
                  ...sent(level, will.properties),
                },
              }),
        };
        const given = level === 5 ? properties : {};
        expect(read(packet, level)).toEqual({
          is: "request",
          packet: {
            ...{ version: level, clientId, clean, keepAliveSeconds: keepalive, user, password },
            sessionExpirySeconds: given.sessionExpiry ?? (level === 5 || clean ? 0 : 0xffff_ffff),
            receiveMaximum: given.receiveMaximum ?? 65_535,
            maxPacketBytes: given.maximumPacketSize ?? 268_435_460,
            topicAliasMaximum: given.topicAliasMaximum ?? 0,
            wantsProblems: given.requestProblemInformation !== 0,
            wantsResponseInformation: given.requestResponseInformation === 1,
            userProperties: given.userProperties ?? [],
            authenticationMethod: given.authenticationMethod ?? null,
            authenticationData: given.authenticationData ?? null,
            will: will && {
              ...{ topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain },
              delaySeconds: (level === 5 && will.properties.willDelay) || 0,
              properties: level === 5 ? traveling(will.properties) : {},
            },
          },
        });
      },
    ),
    RUNS,
  );
});

test("SUBSCRIBE is read as it was written", () => {
  const request = fc.record({
    filter: filterText,
    qos,
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
  });
  const subscribe = fc.record({
    level: version,
    messageId: packetId,
    requests: fc.array(request, { minLength: 1, maxLength: 5 }),
    properties: propertiesIn("subscribe", "client"),
  });
  fc.assert(
    fc.property(subscribe, ({ level, messageId, requests, properties }) => {
      const subscriptions = requests.map((each) => ({
        ...{ topic: each.filter, qos: each.qos, nl: each.noLocal },
        ...{ rap: each.retainAsPublished, rh: each.retainHandling },
      }));
      const packet = { cmd: "subscribe", messageId, subscriptions, ...sent(level, properties) };
      const old = { noLocal: false, retainAsPublished: false, retainHandling: 0 };
      const given = level === 5 ? properties : {};
      expect(read(packet, level)).toEqual({
        packetId: messageId,
        requests: requests.map((each) => ({
          ...{ ...each, name: each.filter, group: null, refusal: null },
          ...(level === 5 ? {} : old),
        })),
        subscriptionIdentifier: given.subscriptionIdentifiers?.[0] ?? 0,
        userProperties: given.userProperties ?? [],
      });
    }),
    RUNS,
  );
});

test("UNSUBSCRIBE is read as it was written", () => {
  const filters = fc.array(filterText, { minLength: 1, maxLength: 5 });
  const properties = propertiesIn("unsubscribe", "client");
  fc.assert(
    fc.property(version, packetId, filters, properties, (level, messageId, names, given) => {
      const packet = {
        cmd: "unsubscribe",
        messageId,
        unsubscriptions: names,
        ...sent(level, given),
      };
      expect(read(packet, level)).toEqual({
        packetId: messageId,
        filters: names.map((name) => ({ name, filter: name, group: null, refusal: null })),
        userProperties: (level === 5 && given.userProperties) || [],
      });
    }),
    RUNS,
  );
});

/** A reason code that a client may give in a packet. */
function reasonIn(name: "puback" | "pubrel" | "disconnect" | "auth"): fc.Arbitrary<number> {
  return fc.constantFrom(
    ...Array.from({ length: 256 }, (_, code) => code).filter((code) => isClientReason(name, code)),
  );
}

test("acknowledgements are read as they were written", () => {
  const two = [
    ["puback", "puback"],
    ["pubrec", "puback"],
    ["pubrel", "pubrel"],
    ["pubcomp", "pubrel"],
  ] as const;
  for (const [name, codes] of two) {
    const properties = fc.option(propertiesIn("puback", "client"), { nil: undefined });
    fc.assert(
      fc.property(
        version,
        packetId,
        reasonIn(codes),
        properties,
        (level, messageId, code, given) => {
          const extra = given === undefined ? {} : sent(level, given);
          const packet = { cmd: name, messageId, reasonCode: code, ...extra };
          expect(read(packet, level)).toEqual({
            name,
            packetId: messageId,
            reason: level === 5 ? code : 0,
            reasonString: level === 5 ? (given?.reasonString ?? null) : null,
          });
        },
      ),
      { numRuns: 300 },
    );
  }
});

test("DISCONNECT and AUTH are read as they were written", () => {
  const ending = propertiesIn("disconnect", "client");
  fc.assert(
    fc.property(reasonIn("disconnect"), ending, (reasonCode, given) => {
      expect(read({ cmd: "disconnect", reasonCode, ...sent(5, given) }, 5)).toEqual({
        reason: reasonCode,
        sessionExpirySeconds: given.sessionExpiry ?? null,
        reasonString: given.reasonString ?? null,
        userProperties: given.userProperties ?? [],
      });
    }),
    RUNS,
  );
  const exchange = propertiesIn("auth", "client");
  fc.assert(
    fc.property(reasonIn("auth"), exchange, mqttText, (reasonCode, given, method) => {
      const named = { ...given, authenticationMethod: method };
      expect(read({ cmd: "auth", reasonCode, ...sent(5, named) }, 5)).toEqual({
        reason: reasonCode,
        method,
        data: given.authenticationData ?? null,
        reasonString: given.reasonString ?? null,
        userProperties: given.userProperties ?? [],
      });
    }),
    RUNS,
  );
});
