import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

const INVALID_FILTERS: readonly (readonly [title: string, filters: readonly string[]])[] = [
  ["[MQTT-4.7.1-2] a # that is not the last level, or not all of it", ["a#", "a/#/b", "#/a", "##"]],
  ["[MQTT-4.7.1-3] a + that is not all of its level", ["a+", "+a", "a/+b", "a/b+/c", "++"]],
  ["[MQTT-4.7.3-1] an empty filter", [""]],
];

conformance("3.1.1", (rule, broker) => {
  rule(
    "[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.3.1-7] SUBSCRIBE is answered with SUBACK of its packet id",
    async () => {
      const client = await broker.connected();
      for (const packetId of [1, 65_535]) {
        client.send(client.write.subscribe(packetId, [[broker.unique(), 0]]));
        expect(await client.take("suback")).toMatchObject({ packetId });
      }
    },
  );

  rule(
    "[MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] several filters get one SUBACK with their granted QoS in order",
    async () => {
      const word = broker.unique();
      const client = await broker.connected();
      expect(await client.subscribe([`${word}/a`, 2], [`${word}/b`, 0], [`${word}/c`, 1])).toEqual([
        2, 0, 1,
      ]);
      const writer = await broker.connected();
      for (const level of ["a", "b", "c"]) await writer.publish(`${word}/${level}`, level);
      expect(await client.payloads(3)).toEqual(["a", "b", "c"]);
      expect(await client.subscribe([`${word}/d`, 0], [`${word}/e`, 1], [`${word}/d`, 2])).toEqual([
        0, 1, 2,
      ]);
      await writer.publish(`${word}/d`, "last wins", { qos: 2 });
      expect((await client.message()).qos).toBe(2);
    },
  );

  for (const [title, filters] of INVALID_FILTERS) {
    rule(`${title} is refused by 0x80 or by the end of the connection`, async () => {
      for (const filter of filters) {
        const client = await broker.connected();
        client.send(client.write.subscribe(1, [[filter, 0]]));
        const answer = await client.next().catch(() => null);
        if (answer === null) await client.closed();
        else expect(answer).toMatchObject({ type: "suback", reasons: [0x80] });
      }
    });
  }

  rule("[MQTT-3.9.3-2] SUBACK has no codes but 0, 1, 2 and 0x80", async () => {
    const client = await broker.connected();
    const word = broker.unique();
    const codes = await client.subscribe([word, 0], [`${word}/+`, 1], [`${word}/#`, 2]);
    for (const code of codes) expect([0, 1, 2, 0x80]).toContain(code);
  });

  rule("[MQTT-3.8.4-6] a delivery has the lower of published and granted QoS", async () => {
    const word = broker.unique();
    for (const granted of [0, 1, 2]) {
      const reader = await broker.reader(`${word}/#`, granted);
      const writer = await broker.connected();
      for (const published of [0, 1, 2]) {
        await writer.publish(`${word}/${granted}`, `${published}`, { qos: published });
        const qos = Math.min(granted, published);
        expect(await reader.message()).toMatchObject({ payload: `${published}`, qos });
      }
      await reader.leave();
    }
  });

  rule(
    "[MQTT-3.8.4-3] the same filter again replaces the QoS and repeats the retained message",
    async () => {
      const topic = broker.unique();
      const writer = await broker.connected();
      await writer.publish(topic, "kept", { qos: 1, retain: true });
      const client = await broker.connected();
      await client.subscribe([topic, 1]);
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true, qos: 1 });
      await client.subscribe([topic, 0]);
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true, qos: 0 });
      await writer.publish(topic, "live", { qos: 1 });
      expect(await client.message()).toMatchObject({ payload: "live", retain: false, qos: 0 });
      await client.settled();
    },
  );

  for (const qos of [0, 1, 2]) {
    rule(
      `[MQTT-3.8.4-3] nothing of QoS ${qos} is lost while a subscription is replaced`,
      async () => {
        const topic = broker.unique();
        const client = await broker.connected();
        await client.subscribe([topic, qos]);
        const sent = Array.from({ length: 20 }, (_, i) => `${i}`);
        // One client does both, so that the order of the packets is known.
        for (const [i, payload] of sent.entries()) {
          client.send(client.write.publish(topic, payload, { qos, packetId: i + 1 }));
          if (qos === 2) client.send(client.write.acknowledge("pubrel", i + 1));
          client.send(client.write.subscribe(client.packetId(), [[topic, qos]]));
        }
        const seen: string[] = [];
        while (seen.length < sent.length) {
          const packet = await client.next();
          if (packet.type === "publish") seen.push(packet.payload);
        }
        expect(seen).toEqual(sent);
      },
    );
  }

  rule("[MQTT-4.7.1-2] # matches its parent and everything below", async () => {
    const word = broker.unique();
    const reader = await broker.reader(`${word}/#`);
    const writer = await broker.connected();
    const topics = [word, `${word}/`, `${word}/a`, `${word}/a/b/c`];
    for (const topic of topics) await writer.publish(topic, topic);
    for (const topic of topics) expect((await reader.message()).topic).toBe(topic);
  });

  rule("[MQTT-4.7.1-3] + matches one level, an empty one too", async () => {
    const word = broker.unique();
    const reader = await broker.reader(`${word}/+/x`);
    const writer = await broker.connected();
    const matching = [`${word}//x`, `${word}/a/x`];
    for (const topic of [`${word}/x`, `${word}/a/b/x`, ...matching]) {
      await writer.publish(topic, topic);
    }
    for (const topic of matching) expect((await reader.message()).topic).toBe(topic);
  });

  rule("[MQTT-4.7.3-4] topics differ by case, by spaces and by slashes at either end", async () => {
    const word = broker.unique("Case");
    const reader = await broker.reader(`${word}/a`);
    const writer = await broker.connected();
    const others = [`${word.toLowerCase()}/a`, `${word}/A`, `/${word}/a`, `${word}/a/`];
    for (const topic of [...others, `${word}/ a`, `${word}//a`]) {
      await writer.publish(topic, topic);
    }
    await writer.publish(`${word}/a`, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });
});
