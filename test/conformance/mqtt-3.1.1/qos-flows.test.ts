import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  rule(
    "[MQTT-2.3.1-4] [MQTT-4.3.2-1] deliveries of QoS 1 have packet ids of their own until PUBACK, and no DUP",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 1);
      const writer = await broker.connected();
      for (let i = 0; i < 10; i += 1) await writer.publish(topic, `${i}`, { qos: 1 });
      const ids = new Set<number>();
      for (let i = 0; i < 10; i += 1) {
        const { packetId, dup } = await reader.message();
        expect(dup).toBe(false);
        ids.add(packetId);
      }
      expect(ids.size).toBe(10);
    },
  );

  rule("[MQTT-4.3.2-1] [MQTT-3.3.1-1] QoS 1 without PUBACK is sent again with DUP", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 1, session);
    const writer = await broker.connected();
    await writer.publish(topic, "open", { qos: 1 });
    await writer.publish(topic, "done", { qos: 1 });
    const open = await first.message();
    const done = await first.message();
    first.send(first.write.acknowledge("puback", done.packetId));
    await first.settled();
    first.drop();
    const again = await broker.connected(session);
    const { packetId } = open;
    expect(await again.message()).toMatchObject({ payload: "open", packetId, dup: true, qos: 1 });
    again.send(again.write.acknowledge("puback", packetId));
    await again.settled();
    again.drop();
    const last = await broker.connected(session);
    await last.settled();
  });

  rule(
    "[MQTT-4.3.2-2] [MQTT-2.3.1-6] behind PUBACK the same packet id is a new message, with DUP too",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 0);
      const writer = await broker.connected();
      for (const [payload, dup] of [
        ["one", false],
        ["two", false],
        ["three", true],
      ] as const) {
        writer.send(writer.write.publish(topic, payload, { qos: 1, packetId: 5, dup }));
        expect(await writer.take("puback")).toMatchObject({ packetId: 5 });
      }
      expect(await reader.payloads(3)).toEqual(["one", "two", "three"]);
    },
  );

  rule(
    "[MQTT-4.3.3-1] [MQTT-2.3.1-6] QoS 2 goes out as PUBLISH, then PUBREL of the same packet id",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 2);
      const writer = await broker.connected();
      await writer.publish(topic, "x", { qos: 2 });
      const { packetId, qos, dup } = await reader.message();
      expect({ qos, dup }).toEqual({ qos: 2, dup: false });
      reader.send(reader.write.acknowledge("pubrec", packetId));
      expect(await reader.take("pubrel")).toMatchObject({ packetId });
      reader.send(reader.write.acknowledge("pubcomp", packetId));
      await reader.settled();
    },
  );

  rule("[MQTT-4.3.3-1] without PUBREC the PUBLISH is sent again on return", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 2, session);
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 2 });
    const { packetId } = await first.message();
    first.drop();
    const again = await broker.connected(session);
    expect(await again.message()).toMatchObject({ payload: "x", packetId, dup: true, qos: 2 });
  });

  rule("[MQTT-4.3.3-1] behind PUBREC it is PUBREL, not PUBLISH, that is sent again", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 2, session);
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 2 });
    const { packetId } = await first.message();
    first.send(first.write.acknowledge("pubrec", packetId));
    await first.take("pubrel");
    first.drop();
    const again = await broker.connected(session);
    expect(await again.take("pubrel")).toMatchObject({ packetId });
    again.send(again.write.acknowledge("pubcomp", packetId));
    await again.settled();
    again.drop();
    const last = await broker.connected(session);
    await last.settled();
  });

  rule(
    "[MQTT-4.3.3-2] until PUBREL a packet id is acknowledged again and delivered once",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 0);
      const writer = await broker.connected();
      const { write } = writer;
      writer.send(write.publish(topic, "once", { qos: 2, packetId: 4 }));
      writer.send(write.publish(topic, "once", { qos: 2, packetId: 4, dup: true }));
      expect(await writer.take("pubrec")).toMatchObject({ packetId: 4 });
      expect(await writer.take("pubrec")).toMatchObject({ packetId: 4 });
      writer.send(write.acknowledge("pubrel", 4));
      expect(await writer.take("pubcomp")).toMatchObject({ packetId: 4 });
      await writer.publish(topic, "new", { qos: 2, packetId: 4 });
      expect(await reader.payloads(2)).toEqual(["once", "new"]);
      await reader.settled();
    },
  );

  rule("[MQTT-4.3.3-2] the same over two connections of one session", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const reader = await broker.reader(topic, 0);
    const first = await broker.connected(session);
    first.send(first.write.publish(topic, "once", { qos: 2, packetId: 4 }));
    await first.take("pubrec");
    first.drop();
    const again = await broker.connected(session);
    again.send(again.write.publish(topic, "once", { qos: 2, packetId: 4, dup: true }));
    await again.take("pubrec");
    again.send(again.write.acknowledge("pubrel", 4));
    await again.take("pubcomp");
    await again.publish(topic, "marker", { qos: 1 });
    expect(await reader.payloads(2)).toEqual(["once", "marker"]);
  });

  rule("[MQTT-4.3.3-2] PUBREL is answered with PUBCOMP also when it comes twice", async () => {
    const writer = await broker.connected();
    writer.send(writer.write.publish(broker.unique(), "x", { qos: 2, packetId: 6 }));
    await writer.take("pubrec");
    for (let i = 0; i < 2; i += 1) {
      writer.send(writer.write.acknowledge("pubrel", 6));
      expect(await writer.take("pubcomp")).toMatchObject({ packetId: 6 });
    }
  });

  rule("[MQTT-4.6.0-4] PUBRELs come in the order of the PUBRECs that ask for them", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 2);
    const writer = await broker.connected();
    for (let i = 0; i < 5; i += 1) await writer.publish(topic, `${i}`, { qos: 2 });
    const ids: number[] = [];
    for (let i = 0; i < 5; i += 1) ids.push((await reader.message()).packetId);
    reader.send(...ids.map((id) => reader.write.acknowledge("pubrec", id)));
    for (const packetId of ids) expect(await reader.take("pubrel")).toMatchObject({ packetId });
  });
});
