import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("5.0", (rule, broker) => {
  /** Publishes a retained message by a client of its own. */
  async function retain(topic: string, payload: string, qos = 1): Promise<void> {
    const writer = await broker.connected();
    await writer.publish(topic, payload, { qos, retain: true });
    await writer.settled();
  }

  rule("[MQTT-3.3.1-5] a retained message replaces the one before it", async () => {
    const topic = broker.unique();
    await retain(topic, "older", 1);
    await retain(topic, "newer", 0);
    const reader = await broker.reader(topic, 2);
    expect(await reader.message()).toMatchObject({ payload: "newer", qos: 0, retain: true });
    await reader.settled();
  });

  rule(
    "[MQTT-3.3.1-6] [MQTT-3.3.1-7] an empty retained payload is delivered, clears, and is not kept",
    async () => {
      const topic = broker.unique();
      await retain(topic, "kept");
      const reader = await broker.reader(topic, 1);
      await reader.message();
      await retain(topic, "");
      expect((await reader.message()).payload).toBe("");
      const late = await broker.reader(topic, 1);
      await late.settled();
    },
  );

  rule("[MQTT-3.3.1-8] a message without RETAIN neither replaces nor removes", async () => {
    const topic = broker.unique();
    await retain(topic, "kept");
    const writer = await broker.connected();
    await writer.publish(topic, "passing", { qos: 1 });
    await writer.publish(topic, "", { qos: 1 });
    const reader = await broker.reader(topic, 1);
    expect(await reader.message()).toMatchObject({ payload: "kept", retain: true });
    await reader.settled();
  });

  rule("[MQTT-3.3.1-9] retain handling 0 sends them at every SUBSCRIBE", async () => {
    const topic = broker.unique();
    await retain(topic, "kept");
    const reader = await broker.connected();
    for (let i = 0; i < 2; i += 1) {
      await reader.subscribe([topic, { retainHandling: 0 }]);
      expect(await reader.message()).toMatchObject({ payload: "kept", retain: true });
    }
  });

  rule("[MQTT-3.3.1-10] retain handling 1 sends them to a new subscription only", async () => {
    const topic = broker.unique();
    await retain(topic, "kept");
    const reader = await broker.connected();
    await reader.subscribe([topic, { retainHandling: 1 }]);
    expect((await reader.message()).payload).toBe("kept");
    await reader.subscribe([topic, { retainHandling: 1 }]);
    await reader.settled();
    reader.send(reader.write.unsubscribe(9, [topic]));
    await reader.take("unsuback");
    await reader.subscribe([topic, { retainHandling: 1 }]);
    expect((await reader.message()).payload).toBe("kept");
  });

  rule("[MQTT-3.3.1-11] retain handling 2 does not send them", async () => {
    const topic = broker.unique();
    await retain(topic, "kept");
    const reader = await broker.connected();
    await reader.subscribe([topic, { retainHandling: 2 }]);
    await reader.settled();
    await retain(topic, "live");
    expect((await reader.message()).payload).toBe("live");
  });

  rule("[MQTT-3.3.1-12] without retain-as-published RETAIN is taken off", async () => {
    const topic = broker.unique();
    const reader = await broker.connected();
    await reader.subscribe([topic, { retainAsPublished: false }]);
    await retain(topic, "live");
    expect(await reader.message()).toMatchObject({ payload: "live", retain: false });
  });

  rule("[MQTT-3.3.1-13] with retain-as-published RETAIN is as it was sent", async () => {
    const topic = broker.unique();
    const reader = await broker.connected();
    await reader.subscribe([topic, { retainAsPublished: true }]);
    await retain(topic, "retained");
    const writer = await broker.connected();
    await writer.publish(topic, "passing");
    expect(await reader.message()).toMatchObject({ payload: "retained", retain: true });
    expect(await reader.message()).toMatchObject({ payload: "passing", retain: false });
  });
});
