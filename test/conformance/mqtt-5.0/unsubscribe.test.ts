import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

const NO_SUBSCRIPTION = 0x11;

/** Reason codes of UNSUBACK (table 3-9). */
const CODES = [0x00, NO_SUBSCRIPTION, 0x80, 0x83, 0x87, 0x8f, 0x91];

conformance("5.0", (rule, broker) => {
  rule(
    "[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] UNSUBSCRIBE gets UNSUBACK of its packet id, also for a filter nobody has",
    async () => {
      const client = await broker.connected();
      const topic = broker.unique();
      await client.subscribe([topic, 1]);
      client.send(client.write.unsubscribe(9, [topic]));
      expect(await client.take("unsuback")).toMatchObject({ packetId: 9, reasons: [0] });
      client.send(client.write.unsubscribe(65_535, [topic]));
      const again = await client.take("unsuback");
      expect(again).toMatchObject({ packetId: 65_535, reasons: [NO_SUBSCRIPTION] });
    },
  );

  rule("[MQTT-3.10.4-1] a filter ends only its equal, character by character", async () => {
    const word = broker.unique();
    const client = await broker.connected();
    await client.subscribe([`${word}/+`, 0]);
    client.send(client.write.unsubscribe(1, [`${word}/a`, `${word}/#`, word, `${word}/+/`]));
    expect((await client.take("unsuback")).reasons).toEqual(Array(4).fill(NO_SUBSCRIPTION));
    const writer = await broker.connected();
    await writer.publish(`${word}/a`, "still");
    expect((await client.message()).payload).toBe("still");
  });

  rule("[MQTT-3.10.4-2] nothing new is delivered behind UNSUBACK", async () => {
    const [topic, marker] = [broker.unique(), broker.unique()];
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

  rule(
    "[MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] several filters get one UNSUBACK, its codes in their order",
    async () => {
      const [one, two] = [broker.unique(), broker.unique()];
      const client = await broker.connected();
      await client.subscribe([one, 0], [two, 0]);
      client.send(client.write.unsubscribe(4, [one, broker.unique(), two, one]));
      const { packetId, reasons } = await client.take("unsuback");
      expect(packetId).toBe(4);
      expect(reasons).toEqual([0, NO_SUBSCRIPTION, 0, NO_SUBSCRIPTION]);
      for (const reason of reasons) expect(CODES).toContain(reason);
    },
  );
});
