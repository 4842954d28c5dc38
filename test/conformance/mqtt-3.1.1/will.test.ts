import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  rule(
    "[MQTT-3.1.2-8] [MQTT-3.1.2-9] a will is published at its QoS when the connection breaks",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 2);
      const client = await broker.connected({ will: { topic, payload: "gone", qos: 1 } });
      client.drop();
      expect(await reader.message()).toMatchObject({ topic, payload: "gone", qos: 1 });
    },
  );

  rule("[MQTT-3.1.2-8] a will is published when the server ends the connection", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const client = await broker.connected({ will: { topic, payload: "violation" } });
    client.send(Buffer.of(0xf0, 0));
    await client.closed();
    expect((await reader.message()).payload).toBe("violation");
  });

  rule("[MQTT-3.1.2-8] a will is published when its client id connects again", async () => {
    const topic = broker.unique();
    const clientId = broker.unique();
    const reader = await broker.reader(topic);
    const first = await broker.connected({ clientId, will: { topic, payload: "taken over" } });
    await broker.connected({ clientId });
    await first.closed();
    expect((await reader.message()).payload).toBe("taken over");
  });

  rule("[MQTT-3.1.2-10] [MQTT-3.14.4-3] a will is not published behind DISCONNECT", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const client = await broker.connected({ will: { topic, payload: "will" } });
    await client.leave();
    const writer = await broker.connected();
    await writer.publish(topic, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });

  rule("[MQTT-3.1.2-10] a will is published once, also of a session that is kept", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const session = broker.kept(broker.unique());
    const first = await broker.connected({ ...session, will: { topic, payload: "will" } });
    first.drop();
    expect((await reader.message()).payload).toBe("will");
    const again = await broker.connected(session);
    again.send(Buffer.of(0xf0, 0));
    await again.closed();
    const writer = await broker.connected();
    await writer.publish(topic, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });

  rule("[MQTT-3.1.2-12] without a will nothing is published at the end", async () => {
    const reader = await broker.reader("#");
    const client = await broker.connected();
    client.send(Buffer.of(0xf0, 0));
    await client.closed();
    const topic = broker.unique();
    const writer = await broker.connected();
    await writer.publish(topic, "marker");
    expect((await reader.message()).topic).toBe(topic);
  });

  for (const [id, retain] of [
    ["[MQTT-3.1.2-16]", false],
    ["[MQTT-3.1.2-17]", true],
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
