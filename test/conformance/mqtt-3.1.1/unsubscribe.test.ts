import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  rule(
    "[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.3.1-7] UNSUBSCRIBE gets UNSUBACK of its packet id, also for a filter nobody has",
    async () => {
      const client = await broker.connected();
      const topic = broker.unique();
      await client.subscribe([topic, 1]);
      client.send(client.write.unsubscribe(9, [topic]));
      expect(await client.take("unsuback")).toMatchObject({ packetId: 9 });
      client.send(client.write.unsubscribe(65_535, [broker.unique()]));
      expect(await client.take("unsuback")).toMatchObject({ packetId: 65_535 });
    },
  );

  rule("[MQTT-3.10.4-1] a filter ends only its equal, character by character", async () => {
    const word = broker.unique();
    const client = await broker.connected();
    await client.subscribe([`${word}/+`, 0]);
    client.send(client.write.unsubscribe(1, [`${word}/a`, `${word}/#`, word, `${word}/+/`]));
    await client.take("unsuback");
    const writer = await broker.connected();
    await writer.publish(`${word}/a`, "still");
    expect((await client.message()).payload).toBe("still");
    client.send(client.write.unsubscribe(2, [`${word}/+`]));
    await client.take("unsuback");
    await client.subscribe(["marker", 0]);
    await writer.publish(`${word}/a`, "gone");
    await writer.publish("marker", "marker");
    expect((await client.message()).payload).toBe("marker");
  });

  rule("[MQTT-3.10.4-2] nothing new is delivered behind UNSUBACK", async () => {
    const topic = broker.unique();
    const marker = broker.unique();
    const client = await broker.connected();
    await client.subscribe([topic, 1], [marker, 1]);
    client.send(client.write.unsubscribe(1, [topic]));
    await client.take("unsuback");
    const writer = await broker.connected();
    await writer.publish(topic, "gone", { qos: 1 });
    await writer.publish(marker, "marker", { qos: 1 });
    expect((await client.message()).payload).toBe("marker");
  });

  rule("[MQTT-3.10.4-3] a delivery of QoS 2 that has begun is brought to its end", async () => {
    const topic = broker.unique();
    const client = await broker.reader(topic, 2);
    const writer = await broker.connected();
    await writer.publish(topic, "begun", { qos: 2 });
    const { packetId } = await client.message();
    client.send(client.write.unsubscribe(1, [topic]));
    await client.take("unsuback");
    client.send(client.write.acknowledge("pubrec", packetId));
    expect(await client.take("pubrel")).toMatchObject({ packetId });
    client.send(client.write.acknowledge("pubcomp", packetId));
    await client.settled();
  });

  rule("[MQTT-3.10.4-3] a delivery of QoS 1 that has begun is sent again on return", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const client = await broker.reader(topic, 1, session);
    const writer = await broker.connected();
    await writer.publish(topic, "begun", { qos: 1 });
    const { packetId } = await client.message();
    client.send(client.write.unsubscribe(1, [topic]));
    await client.take("unsuback");
    client.drop();
    const again = await broker.connected(session);
    expect(await again.message()).toMatchObject({ payload: "begun", packetId, dup: true });
  });

  rule("[MQTT-3.10.4-6] several filters get one UNSUBACK and all end", async () => {
    const [one, two, marker] = [broker.unique(), broker.unique(), broker.unique()];
    const client = await broker.connected();
    await client.subscribe([one, 0], [two, 0], [marker, 0]);
    client.send(client.write.unsubscribe(4, [one, two]));
    expect(await client.take("unsuback")).toMatchObject({ packetId: 4 });
    const writer = await broker.connected();
    await writer.publish(one, "gone");
    await writer.publish(two, "gone");
    await writer.publish(marker, "marker");
    expect((await client.message()).payload).toBe("marker");
  });
});
