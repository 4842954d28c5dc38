import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  rule("[MQTT-3.3.4-1] QoS 0 is answered with nothing, 1 with PUBACK, 2 with PUBREC", async () => {
    const client = await broker.connected();
    const topic = broker.unique();
    client.send(client.write.publish(topic, "0"));
    await client.settled();
    client.send(client.write.publish(topic, "1", { qos: 1, packetId: 7 }));
    expect(await client.take("puback")).toMatchObject({ packetId: 7 });
    client.send(client.write.publish(topic, "2", { qos: 2, packetId: 8 }));
    expect(await client.take("pubrec")).toMatchObject({ packetId: 8 });
    await client.settled();
  });

  rule("[MQTT-3.3.1-3] DUP of a publisher does not reach subscribers", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 1);
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 1, dup: true });
    expect(await reader.message()).toMatchObject({ payload: "x", qos: 1, dup: false });
  });

  rule(
    "[MQTT-2.3.1-5] [MQTT-3.3.1-2] [MQTT-4.3.1-1] a delivery of QoS 0 has no packet id and no DUP",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 2);
      const writer = await broker.connected();
      // Were the two bytes behind the topic taken for a packet id, the payload would lose them.
      await writer.publish(topic, "\u0001\u0002payload", { qos: 0 });
      expect(await reader.message()).toMatchObject({
        payload: "\u0001\u0002payload",
        qos: 0,
        dup: false,
      });
    },
  );

  rule("[MQTT-3.3.2-3] only what matches the filter is delivered", async () => {
    const word = broker.unique();
    const reader = await broker.reader(`${word}/+/c`, 1);
    const writer = await broker.connected();
    for (const topic of ["a/b", "a/c/d", "c", "b/b/c", "a/c"]) {
      await writer.publish(`${word}/${topic}`, topic, { qos: 1 });
    }
    expect(await reader.message()).toMatchObject({ topic: `${word}/a/c`, payload: "a/c" });
    await reader.settled();
  });

  rule("[MQTT-3.3.5-1] overlapping filters deliver at the highest granted QoS", async () => {
    const word = broker.unique();
    const reader = await broker.connected();
    await reader.subscribe([`${word}/a`, 0], [`${word}/+`, 2], [`${word}/#`, 1]);
    const writer = await broker.connected();
    await writer.publish(`${word}/a`, "x", { qos: 2 });
    await writer.publish(word, "marker", { qos: 1 });
    // A server may add a copy for each other subscription.
    const qos: number[] = [];
    for (;;) {
      const message = await reader.message();
      if (message.payload === "marker") break;
      qos.push(message.qos);
    }
    expect(Math.max(...qos)).toBe(2);
  });

  rule(
    "[MQTT-3.3.5-2] a PUBLISH that is not allowed is acknowledged or closes the connection, and is not delivered",
    async () => {
      const reader = await broker.connected();
      await reader.subscribe(["$SYS/conformance/#", 1], ["#", 1]);
      const writer = await broker.connected();
      writer.send(writer.write.publish("$SYS/conformance/x", "forbidden", { qos: 1, packetId: 3 }));
      const answer = await writer.next().catch(() => null);
      if (answer !== null) expect(answer).toMatchObject({ type: "puback", packetId: 3 });
      else await writer.closed();
      const marker = await broker.connected();
      const topic = broker.unique();
      await marker.publish(topic, "marker", { qos: 1 });
      for (;;) {
        const message = await reader.message();
        expect(message.payload).not.toBe("forbidden");
        if (message.topic === topic) break;
      }
    },
  );

  rule(
    "[MQTT-4.6.0-2] PUBACKs come in the order of their PUBLISHes, whatever their ids",
    async () => {
      const client = await broker.connected();
      const ids = [9, 3, 200, 1, 65_535];
      client.send(
        ...ids.map((packetId) => client.write.publish("o", `${packetId}`, { qos: 1, packetId })),
      );
      for (const packetId of ids) expect(await client.take("puback")).toMatchObject({ packetId });
    },
  );

  rule("[MQTT-4.6.0-3] PUBRECs come in the order of their PUBLISHes", async () => {
    const client = await broker.connected();
    const ids = [9, 3, 200, 1];
    client.send(
      ...ids.map((packetId) => client.write.publish("o", `${packetId}`, { qos: 2, packetId })),
    );
    for (const packetId of ids) expect(await client.take("pubrec")).toMatchObject({ packetId });
  });

  for (const qos of [0, 1, 2]) {
    rule(
      `[MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of QoS ${qos} on one topic keep their order`,
      async () => {
        const topic = broker.unique();
        const reader = await broker.reader(topic, 2);
        const writer = await broker.connected();
        const payloads = Array.from({ length: 20 }, (_, i) => `${i}`);
        const packets = payloads.map((payload, i) =>
          writer.write.publish(topic, payload, { qos, packetId: i + 1 }),
        );
        const releases = payloads.map((_, i) => writer.write.acknowledge("pubrel", i + 1));
        writer.send(...packets, ...(qos === 2 ? releases : []));
        expect(await reader.payloads(payloads.length)).toEqual(payloads);
      },
    );
  }

  rule("[MQTT-4.7.2-1] # and +/… do not match topics that begin with $", async () => {
    const word = broker.unique();
    const reader = await broker.connected();
    await reader.subscribe(["#", 1], [`+/${word}`, 1]);
    const intruder = await broker.connected();
    intruder.send(intruder.write.publish(`$conformance/${word}`, "hidden", { qos: 0 }));
    const writer = await broker.connected();
    await writer.publish(`${word}/marker`, "marker", { qos: 1 });
    expect((await reader.message()).payload).toBe("marker");
  });

  rule("[MQTT-3.12.4-1] PINGREQ is answered with PINGRESP", async () => {
    const client = await broker.connected();
    client.send(Buffer.of(0xc0, 0));
    await client.take("pingresp");
  });
});
