import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import type { ConnectFields } from "../../support/mqtt/packets.ts";

conformance("5.0", (rule, broker) => {
  /** A kept session with a will that waits. */
  function delayed(topic: string, willDelay: number): ConnectFields {
    const will = { topic, payload: "will", properties: [["willDelay", willDelay]] } as const;
    return { ...broker.kept(broker.unique()), will };
  }

  rule(
    "[MQTT-3.1.2-7] [MQTT-3.1.2-8] a will is published at its QoS when the connection breaks",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 2);
      const client = await broker.connected({ will: { topic, payload: "gone", qos: 1 } });
      client.drop();
      expect(await reader.message()).toMatchObject({ topic, payload: "gone", qos: 1 });
    },
  );

  rule("[MQTT-3.1.2-8] a will is published behind DISCONNECT with reason 4", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const client = await broker.connected({ will: { topic, payload: "will" } });
    await client.leave(0x04);
    expect((await reader.message()).payload).toBe("will");
  });

  rule("[MQTT-3.1.2-8] a will is published when the server ends the connection", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const client = await broker.connected({ will: { topic, payload: "will" } });
    client.send(Buffer.of(0x00, 0));
    await client.ended();
    expect((await reader.message()).payload).toBe("will");
  });

  rule("[MQTT-3.1.2-8] a will with a delay is published when the delay has passed", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const client = await broker.connected(delayed(topic, 1));
    const droppedAt = performance.now();
    client.drop();
    expect((await reader.message()).payload).toBe("will");
    expect(performance.now() - droppedAt).toBeGreaterThan(900);
  });

  rule("[MQTT-3.1.2-8] a delayed will is published when clean start ends its session", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const fields = delayed(topic, 60);
    const client = await broker.connected(fields);
    client.drop();
    await broker.connected({ clientId: fields.clientId ?? "", clean: true });
    expect((await reader.message()).payload).toBe("will");
  });

  rule("[MQTT-3.1.3-9] a client that returns within the delay has no will published", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const fields = delayed(topic, 1);
    const client = await broker.connected(fields);
    client.drop();
    const again = await broker.connected(broker.kept(String(fields.clientId)));
    expect(again.connack?.sessionPresent).toBe(true);
    // Its delay ends behind that of the first, by the same clock.
    const marker = await broker.connected({
      ...broker.kept(broker.unique()),
      will: { topic, payload: "marker", properties: [["willDelay", 2]] },
    });
    marker.drop();
    expect((await reader.message()).payload).toBe("marker");
  });

  rule(
    "[MQTT-3.1.2-10] [MQTT-3.14.4-3] a will is not published behind DISCONNECT with reason 0",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic);
      const client = await broker.connected({ will: { topic, payload: "will" } });
      await client.leave();
      const writer = await broker.connected();
      await writer.publish(topic, "marker");
      expect((await reader.message()).payload).toBe("marker");
    },
  );

  rule("[MQTT-3.1.2-10] a will is published once, also of a session that is kept", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const session = broker.kept(broker.unique());
    const first = await broker.connected({ ...session, will: { topic, payload: "will" } });
    first.drop();
    expect((await reader.message()).payload).toBe("will");
    const again = await broker.connected(session);
    await again.leave(0x04);
    const writer = await broker.connected();
    await writer.publish(topic, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });

  for (const [id, retain] of [
    ["[MQTT-3.1.2-14]", false],
    ["[MQTT-3.1.2-15]", true],
  ] as const) {
    rule(`${id} a will with will retain ${retain} is ${retain ? "" : "not "}retained`, async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic);
      const client = await broker.connected({ will: { topic, payload: "will", retain } });
      client.drop();
      expect(await reader.message()).toMatchObject({ payload: "will", retain: false });
      const late = await broker.reader(topic);
      if (retain) expect(await late.message()).toMatchObject({ payload: "will", retain: true });
      await late.settled();
    });
  }
});
