import { expect } from "vitest";
import { conformance, elapse } from "../../support/mqtt/conformance.ts";
import type { Property } from "../../support/mqtt/properties.ts";
import type { Publish } from "../../support/mqtt/received.ts";

conformance("5.0", (rule, broker) => {
  /** What a subscriber gets of a message with these properties. */
  async function forwarded(...properties: Property[]): Promise<Publish> {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 1);
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 1, properties });
    return reader.message();
  }

  for (const payloadFormat of [0, 1]) {
    rule(`[MQTT-3.3.2-4] payload format ${payloadFormat} is passed on`, async () => {
      const { properties } = await forwarded(["payloadFormat", payloadFormat]);
      // Absent means 0 (§3.3.2.3.2).
      expect(properties.number("payloadFormat", 0)).toBe(payloadFormat);
    });
  }

  rule("[MQTT-3.3.2-15] the response topic is passed on", async () => {
    const { properties } = await forwarded(["responseTopic", "answers/ü/1"]);
    expect(properties.get("responseTopic")).toBe("answers/ü/1");
  });

  rule("[MQTT-3.3.2-16] correlation data is passed on, byte by byte", async () => {
    const data = Buffer.from([0, 255, 128, 13, 10]);
    const { properties } = await forwarded(["correlationData", data]);
    expect(properties.get("correlationData")).toEqual(data);
  });

  rule("[MQTT-3.3.2-20] the content type is passed on", async () => {
    const { properties } = await forwarded(["contentType", "application/cbor; x=1"]);
    expect(properties.get("contentType")).toBe("application/cbor; x=1");
  });

  rule(
    "[MQTT-3.3.2-17] [MQTT-3.3.2-18] user properties are passed on in order, repeated and empty ones too",
    async () => {
      const pairs = [
        ["b", "1"],
        ["a", "2"],
        ["b", "1"],
        ["", ""],
        ["ü", "€"],
      ] as const;
      const message = await forwarded(...pairs.map((pair): Property => ["userProperty", pair]));
      expect(message.properties.all("userProperty")).toEqual(pairs);
    },
  );

  rule("[MQTT-3.3.2-17] retained messages keep their properties", async () => {
    const topic = broker.unique();
    const writer = await broker.connected();
    const properties: Property[] = [
      ["contentType", "text/plain"],
      ["userProperty", ["k", "v"]],
    ];
    await writer.publish(topic, "kept", { qos: 1, retain: true, properties });
    const reader = await broker.reader(topic);
    const message = await reader.message();
    expect(message.properties.get("contentType")).toBe("text/plain");
    expect(message.properties.all("userProperty")).toEqual([["k", "v"]]);
  });

  rule("[MQTT-3.1.3-10] the user properties of a will keep their order", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const pairs = [
      ["z", "1"],
      ["a", "2"],
      ["z", "3"],
    ] as const;
    const properties = pairs.map((pair): Property => ["userProperty", pair]);
    const client = await broker.connected({ will: { topic, payload: "will", properties } });
    client.drop();
    expect((await reader.message()).properties.all("userProperty")).toEqual(pairs);
  });

  rule("[MQTT-3.3.2-5] a message that expires while its reader is away is not sent", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 1, session);
    await first.leave();
    const writer = await broker.connected();
    await writer.publish(topic, "brief", { qos: 1, properties: [["messageExpiry", 1]] });
    await writer.publish(topic, "lasting", { qos: 1 });
    await elapse(2_100);
    const again = await broker.connected(session);
    expect((await again.message()).payload).toBe("lasting");
  });

  rule("[MQTT-3.3.2-5] a retained message that has expired is not sent", async () => {
    const topic = broker.unique();
    const writer = await broker.connected();
    const properties: Property[] = [["messageExpiry", 1]];
    await writer.publish(topic, "brief", { qos: 1, retain: true, properties });
    await elapse(2_100);
    const reader = await broker.reader(topic, 1);
    await reader.settled();
  });

  rule("[MQTT-3.3.2-6] the expiry is less by the time the message has waited", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 1, session);
    await first.leave();
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 1, properties: [["messageExpiry", 100]] });
    await elapse(2_100);
    const again = await broker.connected(session);
    const left = (await again.message()).properties.number("messageExpiry", -1);
    expect(left).toBeLessThanOrEqual(98);
    expect(left).toBeGreaterThan(90);
  });
});
