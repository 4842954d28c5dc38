import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  /** Publishes a retained message by a client of its own. */
  async function retain(topic: string, payload: string, qos = 1): Promise<void> {
    const writer = await broker.connected();
    await writer.publish(topic, payload, { qos, retain: true });
    await writer.settled();
  }

  rule("[MQTT-3.3.1-5] a retained message is kept with its QoS", async () => {
    const topic = broker.unique();
    await retain(topic, "kept", 1);
    const reader = await broker.reader(topic, 2);
    expect(await reader.message()).toMatchObject({ topic, payload: "kept", qos: 1 });
  });

  rule(
    "[MQTT-3.3.1-6] [MQTT-3.3.1-8] a new subscription gets the last retained message of each matching topic, with RETAIN",
    async () => {
      const word = broker.unique();
      await retain(`${word}/a`, "first");
      await retain(`${word}/a`, "last");
      await retain(`${word}/b/c`, "deep");
      await retain(`${word}`, "parent");
      const reader = await broker.reader(`${word}/#`, 1);
      const seen = [await reader.message(), await reader.message(), await reader.message()];
      expect(seen.every((message) => message.retain)).toBe(true);
      expect(seen.map(({ payload }) => payload).sort()).toEqual(["deep", "last", "parent"]);
      await reader.settled();
    },
  );

  rule("[MQTT-3.3.1-7] a retained message of QoS 0 replaces the one before it", async () => {
    const topic = broker.unique();
    await retain(topic, "older", 1);
    await retain(topic, "newer", 0);
    const reader = await broker.reader(topic, 1);
    expect(await reader.message()).toMatchObject({ payload: "newer", qos: 0 });
  });

  rule("[MQTT-3.3.1-9] an established subscription sees no RETAIN", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 1);
    await retain(topic, "live");
    expect(await reader.message()).toMatchObject({ payload: "live", retain: false });
  });

  rule(
    "[MQTT-3.3.1-10] [MQTT-3.3.1-11] an empty retained payload is delivered, clears, and is not kept",
    async () => {
      const topic = broker.unique();
      await retain(topic, "kept");
      const reader = await broker.reader(topic, 1);
      await reader.message();
      await retain(topic, "");
      expect(await reader.message()).toMatchObject({ payload: "", retain: false });
      const late = await broker.reader(topic, 1);
      await late.settled();
    },
  );

  rule("[MQTT-3.3.1-12] a message without RETAIN neither replaces nor removes", async () => {
    const topic = broker.unique();
    await retain(topic, "kept");
    const writer = await broker.connected();
    await writer.publish(topic, "passing", { qos: 1 });
    await writer.publish(topic, "", { qos: 1 });
    const reader = await broker.reader(topic, 1);
    expect(await reader.message()).toMatchObject({ payload: "kept", retain: true });
    await reader.settled();
  });

  rule("[MQTT-3.1.2-7] retained messages outlive the session of their publisher", async () => {
    const topic = broker.unique();
    const writer = await broker.connected({ clean: true });
    await writer.publish(topic, "kept", { qos: 1, retain: true });
    await writer.leave();
    const reader = await broker.reader(topic, 1);
    expect(await reader.message()).toMatchObject({ payload: "kept", retain: true });
  });
});
