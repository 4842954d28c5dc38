import { describe, expect, test } from "vitest";
import { PacketFields } from "../../src/transport/mqtt/native/codec/packet-fields.ts";
import type { PacketName } from "../../src/transport/mqtt/native/codec/packet-types.ts";
import {
  PROPERTIES,
  type PropertyForm,
  type PropertyPlace,
} from "../../src/transport/mqtt/native/codec/properties.ts";
import { readProperties } from "../../src/transport/mqtt/native/codec/property-reading.ts";
import { writeProperties } from "../../src/transport/mqtt/native/codec/property-writing.ts";
import { bytes, field, type Part, properties, reasonOf, written } from "../support/mqtt-codec.ts";

function read(place: PropertyPlace, ...parts: readonly Part[]): Readonly<Record<string, unknown>> {
  const content = bytes(...parts);
  const fields = new PacketFields(content, 0, content.length);
  const values = readProperties(fields, place);
  fields.expectEnd("test");
  return values;
}

const FORMS = Object.entries<PropertyForm>(PROPERTIES);

/** A value of each type that every property of it may have. */
const SAMPLES: Readonly<Record<PropertyForm["type"], Part[]>> = {
  flag: [1],
  uint16: [0, 1],
  uint32: [0, 0, 0, 1],
  identifiers: [1],
  text: ["x"],
  topic: ["x"],
  binary: [field(Uint8Array.of(0))],
  pairs: ["n", "v"],
};

/** Places whose properties a client may send. */
const PLACES = [
  ...["connect", "will", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe"],
  ...["unsubscribe", "disconnect", "auth"],
] as readonly PropertyPlace[];

/** MQTT 5 Table 2-4 read by the row of each place, to hold the table of the code against. */
const BY_PLACE: Readonly<Record<string, readonly number[]>> = {
  connect: [0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27],
  connack: [
    ...[0x11, 0x12, 0x13, 0x15, 0x16, 0x1a, 0x1c, 0x1f, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28],
    ...[0x29, 0x2a],
  ],
  publish: [0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x23, 0x26],
  will: [0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26],
  puback: [0x1f, 0x26],
  pubrec: [0x1f, 0x26],
  pubrel: [0x1f, 0x26],
  pubcomp: [0x1f, 0x26],
  subscribe: [0x0b, 0x26],
  suback: [0x1f, 0x26],
  unsubscribe: [0x26],
  unsuback: [0x1f, 0x26],
  disconnect: [0x11, 0x1c, 0x1f, 0x26],
  auth: [0x15, 0x16, 0x1f, 0x26],
};

test.each(Object.entries(BY_PLACE))("the table has the properties of %s", (place, ids) => {
  const found = FORMS.filter(([, form]) => form.places.includes(place as PacketName | "will"));
  expect(found.map(([, { id }]) => id).sort((a, b) => a - b)).toEqual(ids);
});

describe.each(PLACES)("in %s", (place) => {
  test.each(FORMS)("%s is read where it has its place, and malformed elsewhere", (name, form) => {
    const parts = [form.id, ...SAMPLES[form.type]];
    if (name === "authenticationData") parts.push(PROPERTIES.authenticationMethod.id, "m");
    if (!form.places.includes(place)) {
      expect(reasonOf(() => read(place, properties(...parts)))).toBe("malformedPacket");
    } else if (form.serverOnly?.includes(place)) {
      expect(reasonOf(() => read(place, properties(...parts)))).toBe("protocolError");
    } else {
      expect(read(place, properties(...parts))).toHaveProperty(name);
    }
  });
});

/** Each property a client may send, with a place for it; data alone is never valid. */
const SENT = FORMS.flatMap(([name, form]) => {
  const place = PLACES.find(
    (each) => form.places.includes(each) && !form.serverOnly?.includes(each),
  );
  return place === undefined || name === "authenticationData" ? [] : [{ name, form, place }];
});

describe("a property", () => {
  test.each(SENT)("$name may repeat only when it is a user property", ({ form, place }) => {
    const parts = [form.id, ...SAMPLES[form.type]];
    const twice = properties(...parts, ...parts);
    if (form.type === "pairs") expect(read(place, twice)).toHaveProperty("userProperties");
    else expect(reasonOf(() => read(place, twice))).toBe("protocolError");
  });

  test("a subscription identifier stands in SUBSCRIBE once", () => {
    expect(read("subscribe", properties(0x0b, 0xff, 0x7f))).toEqual({
      subscriptionIdentifiers: [16_383],
    });
    expect(reasonOf(() => read("subscribe", properties(0x0b, 1, 0x0b, 2)))).toBe("protocolError");
  });

  test("[MQTT-3.3.4-6] a subscription identifier in a client's PUBLISH is a protocol error", () => {
    expect(reasonOf(() => read("publish", properties(0x0b, 1)))).toBe("protocolError");
  });

  test.each(SENT.filter(({ form }) => form.isNeverZero))(
    "$name of 0 is a protocol error",
    ({ form, place }) => {
      const zeros = SAMPLES[form.type].map(() => 0);
      expect(reasonOf(() => read(place, properties(form.id, ...zeros)))).toBe("protocolError");
    },
  );

  test.each([
    ["publish", 0x01],
    ["connect", 0x17],
    ["connect", 0x19],
  ] as const)("in %s, 0x%i of one byte is 0 or 1", (place, id) => {
    expect(Object.values(read(place, properties(id, 0)))).toEqual([0]);
    expect(reasonOf(() => read(place, properties(id, 2)))).toBe("protocolError");
  });

  test.each(["", "a/+", "#"])("[MQTT-3.3.2-14] %j is no response topic", (text) => {
    expect(reasonOf(() => read("publish", properties(0x08, text)))).toBe("protocolError");
  });

  test("that nobody knows is malformed", () => {
    for (const id of [0, 4, 0x2b, 0x7f]) {
      expect(reasonOf(() => read("publish", properties(id, 0)))).toBe("malformedPacket");
    }
  });

  test("[MQTT-1.5.7-1] of pairs is checked as text on both sides", () => {
    const bad = field(Uint8Array.of(0xff));
    expect(reasonOf(() => read("publish", properties(0x26, bad, "v")))).toBe("malformedPacket");
    expect(reasonOf(() => read("publish", properties(0x26, "n", bad)))).toBe("malformedPacket");
  });

  test("authentication data without a method is a protocol error", () => {
    const data = [0x16, field(Uint8Array.of(1))];
    for (const place of ["connect", "auth"] as const) {
      expect(reasonOf(() => read(place, properties(...data)))).toBe("protocolError");
      expect(read(place, properties(...data, 0x15, "m"))).toHaveProperty("authenticationData");
    }
  });
});

describe("the length of properties", () => {
  test("[MQTT-2.2.2-1] is 0 when there are none", () => {
    expect(read("publish", 0)).toEqual({});
  });

  test("may not go past the packet's end", () => {
    expect(reasonOf(() => read("publish", 3, 1, 1))).toBe("malformedPacket");
  });

  test("may not end inside a property", () => {
    expect(reasonOf(() => read("publish", 3, 0x02, 0, 0, 0, 1))).toBe("malformedPacket");
    expect(reasonOf(() => read("publish", 1, 0x01, 1))).toBe("malformedPacket");
  });

  test("[MQTT-1.5.5-1] takes no more bytes than it needs, and never more than four", () => {
    expect(reasonOf(() => read("publish", 0x82, 0, 1, 1))).toBe("malformedPacket");
    expect(reasonOf(() => read("publish", 0xff, 0xff, 0xff, 0xff, 1))).toBe("malformedPacket");
    expect(reasonOf(() => read("publish", 0xff))).toBe("malformedPacket");
  });

  test("is written in as many bytes as it needs", () => {
    const pairs = (count: number) => ({
      userProperties: Array.from({ length: count }, () => ["abcdefgh", "ijklmnop"] as const),
    });
    const lengthOf = (count: number) =>
      written((out) => {
        writeProperties<"puback">(out, pairs(count), true);
        return true;
      });
    // 21 bytes a pair.
    expect(lengthOf(6).slice(0, 4)).toBe("7e26");
    expect(lengthOf(7).slice(0, 6)).toBe("930126");
    expect(lengthOf(800).slice(0, 8)).toBe("a0830126");
    expect(lengthOf(800)).toHaveLength(2 * (3 + 800 * 21));
  });
});

test("what no field can carry is left out rather than break the packet", () => {
  const long = "é".repeat(32_768);
  expect(
    written((out) => {
      writeProperties<"connack">(
        out,
        { responseInformation: long, reasonString: "a\0b", assignedClientId: "c" },
        true,
      );
      return true;
    }),
  ).toBe("04120001" + "63");
});
