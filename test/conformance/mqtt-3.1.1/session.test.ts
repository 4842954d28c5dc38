import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  rule("[MQTT-3.1.2-4] a session goes on with its subscriptions", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 1, session);
    await first.leave();
    const again = await broker.connected(session);
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 1 });
    expect((await again.message()).payload).toBe("x");
  });

  rule(
    "[MQTT-3.1.2-5] [MQTT-4.5.0-1] [MQTT-4.1.0-1] messages of QoS 1 and 2 wait for a client that is away",
    async () => {
      const topic = broker.unique();
      const session = broker.kept(broker.unique());
      const first = await broker.reader(topic, 2, session);
      await first.leave();
      const writer = await broker.connected();
      await writer.publish(topic, "one", { qos: 1 });
      await writer.publish(topic, "two", { qos: 2 });
      const again = await broker.connected(session);
      expect(await again.message()).toMatchObject({ payload: "one", qos: 1, dup: false });
      expect(await again.message()).toMatchObject({ payload: "two", qos: 2, dup: false });
    },
  );

  rule("[MQTT-3.1.2-6] clean session discards, and leaves nothing", async () => {
    const topic = broker.unique();
    const clientId = broker.unique();
    const first = await broker.reader(topic, 1, broker.kept(clientId));
    await first.leave();
    const clean = await broker.connected({ clientId, clean: true });
    expect(clean.connack?.sessionPresent).toBe(false);
    await clean.subscribe([broker.unique(), 1]);
    const writer = await broker.connected();
    await writer.publish(topic, "lost", { qos: 1 });
    await clean.settled();
    await clean.leave();
    const again = await broker.connected(broker.kept(clientId));
    expect(again.connack?.sessionPresent).toBe(false);
    await again.settled();
  });

  rule(
    "[MQTT-4.4.0-1] [MQTT-4.6.0-1] what was left open is sent again in order, under the same ids",
    async () => {
      const topic = broker.unique();
      const session = broker.kept(broker.unique());
      const first = await broker.reader(topic, 2, session);
      const writer = await broker.connected();
      for (const [payload, qos] of [
        ["a", 1],
        ["b", 2],
        ["c", 1],
        ["d", 2],
      ] as const) {
        await writer.publish(topic, payload, { qos });
      }
      const sent: { payload: string; packetId: number }[] = [];
      for (let i = 0; i < 4; i += 1) {
        const { payload, packetId } = await first.message();
        sent.push({ payload, packetId });
      }
      first.drop();
      await writer.publish(topic, "later", { qos: 1 });
      const again = await broker.connected(session);
      for (const packet of sent) {
        expect(await again.message()).toMatchObject({ ...packet, dup: true });
      }
      expect(await again.message()).toMatchObject({ payload: "later", dup: false });
    },
  );

  rule("[MQTT-4.1.0-2] a clean session lasts as long as its connection", async () => {
    const topic = broker.unique();
    const client = await broker.reader(topic, 1);
    const writer = await broker.connected();
    for (const payload of ["a", "b", "c"]) {
      await writer.publish(topic, payload, { qos: 1 });
      expect(await client.payloads(1)).toEqual([payload]);
      await client.settled();
    }
  });

  rule("[MQTT-3.14.4-2] a PUBLISH behind DISCONNECT is not processed", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const writer = await broker.connected();
    const { write } = writer;
    writer.send(write.publish(topic, "before"), write.disconnect(), write.publish(topic, "after"));
    await writer.closed();
    const marker = await broker.connected();
    await marker.publish(topic, "marker");
    expect(await reader.payloads(2)).toEqual(["before", "marker"]);
  });
});
