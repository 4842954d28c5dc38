import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

/** Reason codes of PUBACK and PUBREC (tables 3-4 and 3-5). */
const CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

conformance("5.0", (rule, broker) => {
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

  for (const [id, qos, answer] of [
    ["[MQTT-3.4.2-1]", 1, "puback"],
    ["[MQTT-3.5.2-1]", 2, "pubrec"],
  ] as const) {
    rule(
      `${id} ${answer.toUpperCase()} has a code of its table, also when it refuses`,
      async () => {
        const client = await broker.connected();
        client.send(client.write.publish(broker.unique(), "x", { qos, packetId: 1 }));
        expect(CODES).toContain((await client.take(answer)).reason);
        client.send(client.write.publish("$SYS/conformance", "x", { qos, packetId: 2 }));
        expect(CODES).toContain((await client.take(answer)).reason);
        await client.settled();
      },
    );
  }

  rule("[MQTT-3.3.1-3] DUP of a publisher does not reach subscribers", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 1);
    const writer = await broker.connected();
    await writer.publish(topic, "x", { qos: 1, dup: true });
    expect(await reader.message()).toMatchObject({ payload: "x", dup: false });
  });

  rule(
    "[MQTT-2.2.1-2] [MQTT-3.3.1-2] [MQTT-4.3.1-1] [MQTT-2.2.2-1] a delivery of QoS 0 has no packet id, no DUP, and says that it has no properties",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic, 2);
      const writer = await broker.connected();
      const payload = "\u0001\u0002payload";
      await writer.publish(topic, payload);
      const size = writer.write.publish(topic, payload).length;
      const message = await reader.message();
      expect(message).toMatchObject({ payload, qos: 0, dup: false, size });
      expect(message.properties.list).toEqual([]);
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

  rule("[MQTT-3.3.4-2] overlapping filters deliver at the highest granted QoS", async () => {
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
    "[MQTT-3.3.4-3] [MQTT-3.3.4-4] one copy names the identifiers of all subscriptions that match",
    async () => {
      const word = broker.unique();
      const reader = await broker.connected();
      await reader.subscribeAs(1, [`${word}/a`, 1]);
      await reader.subscribeAs(268_435_455, [`${word}/+`, 1]);
      await reader.subscribeAs(300, [`${word}/b`, 1]);
      await reader.subscribe([`${word}/#`, 1]);
      const writer = await broker.connected();
      await writer.publish(`${word}/a`, "x", { qos: 1 });
      await writer.publish(`${word}/c/d`, "none", { qos: 1 });
      const { properties } = await reader.message();
      const identifiers = properties.all("subscriptionIdentifier").map(Number);
      expect(identifiers.sort((one, two) => one - two)).toEqual([1, 268_435_455]);
      const none = await reader.message();
      expect(none.payload).toBe("none");
      expect(none.properties.has("subscriptionIdentifier")).toBe(false);
    },
  );

  rule("[MQTT-3.3.4-3] retained messages name the identifier of their subscription", async () => {
    const topic = broker.unique();
    const writer = await broker.connected();
    await writer.publish(topic, "kept", { qos: 1, retain: true });
    const reader = await broker.connected();
    await reader.subscribeAs(7, [topic, 1]);
    expect((await reader.message()).properties.all("subscriptionIdentifier")).toEqual([7]);
  });

  rule("[MQTT-3.3.4-3] a subscription made again without an identifier has none", async () => {
    const topic = broker.unique();
    const reader = await broker.connected();
    await reader.subscribeAs(7, [topic, 0]);
    await reader.subscribe([topic, 0]);
    const writer = await broker.connected();
    await writer.publish(topic, "x");
    expect((await reader.message()).properties.has("subscriptionIdentifier")).toBe(false);
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
    const live = { qos: 1, retainHandling: 2 };
    await reader.subscribe(["#", live], [`+/${word}`, live]);
    const intruder = await broker.connected();
    intruder.send(intruder.write.publish(`$conformance/${word}`, "hidden"));
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
