import { expect } from "vitest";
import { conformance, elapse } from "../../support/mqtt/conformance.ts";
import type { ConnectFields } from "../../support/mqtt/packets.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

conformance("5.0", (rule, broker) => {
  /** A reader of a kept session, and one message of this QoS on its way to it. */
  async function delivering(
    qos: number,
    payload = "x",
  ): Promise<{ first: RawClient; session: ConnectFields; packetId: number; topic: string }> {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, qos, session);
    const writer = await broker.connected();
    await writer.publish(topic, payload, { qos });
    const { packetId } = await first.message();
    return { first, session, packetId, topic };
  }

  for (const [ids, qos] of [
    ["[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-2]", 1],
    ["[MQTT-2.2.1-4] [MQTT-4.3.3-1] [MQTT-4.3.3-2]", 2],
  ] as const) {
    rule(`${ids} deliveries of QoS ${qos} have packet ids of their own, and no DUP`, async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, qos);
      const writer = await broker.connected();
      for (let i = 0; i < 10; i += 1) await writer.publish(topic, `${i}`, { qos });
      const used = new Set<number>();
      for (let i = 0; i < 10; i += 1) {
        const message = await reader.message();
        expect(message).toMatchObject({ qos, dup: false });
        used.add(message.packetId);
      }
      expect(used.size).toBe(10);
    });
  }

  rule("[MQTT-4.3.2-3] [MQTT-3.3.1-1] QoS 1 is sent again with DUP until PUBACK", async () => {
    const { first, session, packetId } = await delivering(1);
    first.drop();
    const again = await broker.connected(session);
    expect(await again.message()).toMatchObject({ packetId, qos: 1, dup: true });
    again.send(again.write.acknowledge("puback", packetId));
    await again.settled();
    again.drop();
    await (await broker.connected(session)).settled();
  });

  rule(
    "[MQTT-4.3.2-4] [MQTT-4.3.2-5] [MQTT-2.2.1-5] behind PUBACK the same packet id is a new message, with DUP too",
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
        expect(await writer.take("puback")).toMatchObject({ packetId: 5, reason: 0 });
      }
      expect(await reader.payloads(3)).toEqual(["one", "two", "three"]);
    },
  );

  rule("[MQTT-4.3.3-3] QoS 2 is sent again with DUP until PUBREC", async () => {
    const { first, session, packetId } = await delivering(2);
    first.drop();
    const again = await broker.connected(session);
    expect(await again.message()).toMatchObject({ packetId, qos: 2, dup: true });
  });

  rule(
    "[MQTT-4.3.3-4] [MQTT-3.6.2-1] [MQTT-2.2.1-5] PUBREC is answered with PUBREL of its packet id",
    async () => {
      const { first, packetId } = await delivering(2);
      first.send(first.write.acknowledge("pubrec", packetId));
      expect(await first.take("pubrel")).toMatchObject({ packetId, reason: 0 });
      first.send(first.write.acknowledge("pubcomp", packetId));
      await first.settled();
    },
  );

  rule("[MQTT-3.6.2-1] PUBREC for nothing is answered with PUBREL 0x92", async () => {
    const client = await broker.connected();
    client.send(client.write.acknowledge("pubrec", 77));
    expect(await client.take("pubrel")).toMatchObject({ packetId: 77, reason: 0x92 });
  });

  rule(
    "[MQTT-4.3.3-5] [MQTT-4.3.3-6] PUBREL, and never again PUBLISH, is sent again until PUBCOMP",
    async () => {
      const { first, session, packetId } = await delivering(2);
      first.send(first.write.acknowledge("pubrec", packetId));
      await first.take("pubrel");
      first.drop();
      const again = await broker.connected(session);
      expect(await again.take("pubrel")).toMatchObject({ packetId });
      again.send(again.write.acknowledge("pubcomp", packetId));
      await again.settled();
      again.drop();
      await (await broker.connected(session)).settled();
    },
  );

  rule("[MQTT-4.3.3-7] a QoS 2 message that was sent does not expire", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 2, session);
    const writer = await broker.connected();
    await writer.publish(topic, "sent", { qos: 2, properties: [["messageExpiry", 1]] });
    const { packetId } = await first.message();
    first.drop();
    await elapse(2_100);
    const again = await broker.connected(session);
    expect(await again.message()).toMatchObject({ payload: "sent", packetId, dup: true });
  });

  rule("[MQTT-4.3.3-8] QoS 2 is answered with PUBREC of its packet id", async () => {
    const writer = await broker.connected();
    writer.send(writer.write.publish(broker.unique(), "x", { qos: 2, packetId: 65_535 }));
    expect(await writer.take("pubrec")).toMatchObject({ packetId: 65_535 });
  });

  rule("[MQTT-4.3.3-9] behind a PUBREC that refuses the packet id is free", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 0);
    const writer = await broker.connected();
    writer.send(writer.write.publish("$SYS/conformance", "refused", { qos: 2, packetId: 4 }));
    expect((await writer.take("pubrec")).reason).toBeGreaterThanOrEqual(0x80);
    await writer.publish(topic, "new", { qos: 2, packetId: 4 });
    expect((await reader.message()).payload).toBe("new");
  });

  rule(
    "[MQTT-4.3.3-10] [MQTT-4.3.3-12] until PUBREL a packet id is acknowledged again and delivered once",
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
      expect(await writer.take("pubcomp")).toMatchObject({ packetId: 4, reason: 0 });
      await writer.publish(topic, "new", { qos: 2, packetId: 4 });
      expect(await reader.payloads(2)).toEqual(["once", "new"]);
      await reader.settled();
    },
  );

  rule("[MQTT-4.3.3-10] the same over two connections of one session", async () => {
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

  rule(
    "[MQTT-4.3.3-11] [MQTT-3.7.2-1] PUBREL is answered with PUBCOMP, for nothing with 0x92",
    async () => {
      const writer = await broker.connected();
      writer.send(writer.write.publish(broker.unique(), "x", { qos: 2, packetId: 6 }));
      await writer.take("pubrec");
      writer.send(writer.write.acknowledge("pubrel", 6));
      expect(await writer.take("pubcomp")).toMatchObject({ packetId: 6, reason: 0 });
      writer.send(writer.write.acknowledge("pubrel", 6));
      expect(await writer.take("pubcomp")).toMatchObject({ packetId: 6, reason: 0x92 });
    },
  );

  rule("[MQTT-4.3.3-13] the handshake of a message that has expired goes on", async () => {
    const writer = await broker.connected();
    const properties = [["messageExpiry", 1]] as const;
    writer.send(writer.write.publish(broker.unique(), "x", { qos: 2, packetId: 6, properties }));
    await writer.take("pubrec");
    await elapse(2_100);
    writer.send(writer.write.acknowledge("pubrel", 6));
    expect(await writer.take("pubcomp")).toMatchObject({ packetId: 6, reason: 0 });
  });

  for (const [qos, answer] of [
    [1, "puback"],
    [2, "pubrec"],
  ] as const) {
    rule(`[MQTT-4.4.0-2] what ${answer.toUpperCase()} refuses is not sent again`, async () => {
      const { first, session, packetId } = await delivering(qos);
      first.send(first.write.acknowledge(answer, packetId, 0x83));
      await first.settled();
      first.drop();
      await (await broker.connected(session)).settled();
    });
  }
});
