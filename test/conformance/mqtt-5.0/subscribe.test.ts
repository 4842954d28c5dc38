import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";

/** Reason codes of SUBACK (table 3-8). */
const CODES = [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];

/** Codes of a filter that cannot be. */
const INVALID = [0x80, 0x8f, 0x81, 0x82];

const INVALID_FILTERS: readonly (readonly [title: string, filters: readonly string[]])[] = [
  ["[MQTT-4.7.1-1] a # that is not the last level, or not all of it", ["a#", "a/#/b", "##"]],
  ["[MQTT-4.7.1-2] a + that is not all of its level", ["a+", "+a", "a/+b", "a/b+/c", "++"]],
  ["[MQTT-4.7.3-1] an empty filter", [""]],
];

conformance("5.0", (rule, broker) => {
  rule(
    "[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] SUBSCRIBE is answered with SUBACK of its packet id",
    async () => {
      const client = await broker.connected();
      for (const packetId of [1, 65_535]) {
        client.send(client.write.subscribe(packetId, [[broker.unique(), 0]]));
        expect(await client.take("suback")).toMatchObject({ packetId });
      }
    },
  );

  rule(
    "[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] several filters get one SUBACK with their granted QoS in order",
    async () => {
      const word = broker.unique();
      const client = await broker.connected();
      const wishes = [
        [`${word}/a`, 2],
        [`${word}/b`, 0],
        [`${word}/c`, 1],
        [`${word}/b`, 2],
      ] as const;
      expect(await client.subscribe(...wishes)).toEqual([2, 0, 1, 2]);
      const writer = await broker.connected();
      await writer.publish(`${word}/b`, "last wins", { qos: 2 });
      expect((await client.message()).qos).toBe(2);
    },
  );

  for (const [title, filters] of INVALID_FILTERS) {
    rule(`${title} is refused by its code in SUBACK, or by DISCONNECT`, async () => {
      for (const filter of filters) {
        const client = await broker.connected();
        client.send(client.write.subscribe(1, [[filter, 0]]));
        const answer = await client.next();
        const code = answer.type === "suback" ? answer.reasons[0] : undefined;
        expect(INVALID).toContain(answer.type === "disconnect" ? answer.reason : code);
      }
    });
  }

  rule("[MQTT-3.9.3-2] SUBACK has codes of its table", async () => {
    const client = await broker.connected();
    const word = broker.unique();
    const wishes = [
      [word, 0],
      [`${word}/+`, 1],
      [`$share/g/${word}`, 2],
      ["$SYS/#", 0],
    ] as const;
    for (const code of await client.subscribe(...wishes)) expect(CODES).toContain(code);
  });

  rule("[MQTT-3.8.4-8] a delivery has the lower of published and granted QoS", async () => {
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
    "[MQTT-3.8.4-3] [MQTT-3.8.4-4] the same filter again replaces the options and repeats the retained message",
    async () => {
      const topic = broker.unique();
      const writer = await broker.connected();
      await writer.publish(topic, "kept", { qos: 1, retain: true });
      const client = await broker.connected();
      await client.subscribe([topic, { qos: 1 }]);
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true, qos: 1 });
      await client.subscribe([topic, { qos: 0, noLocal: true }]);
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true, qos: 0 });
      await client.publish(topic, "own", { qos: 1 });
      await writer.publish(topic, "live", { qos: 1 });
      expect(await client.message()).toMatchObject({ payload: "live", retain: false, qos: 0 });
      await client.settled();
    },
  );

  for (const qos of [0, 1, 2]) {
    rule(
      `[MQTT-3.8.4-4] nothing of QoS ${qos} is lost while a subscription is replaced`,
      async () => {
        const topic = broker.unique();
        const client = await broker.connected();
        await client.subscribe([topic, qos]);
        const sent = Array.from({ length: 10 }, (_, i) => `${i}`);
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

  rule("[MQTT-3.8.3-3] no-local keeps a client's own messages from it", async () => {
    const topic = broker.unique();
    const client = await broker.connected();
    await client.subscribe([topic, { qos: 1, noLocal: true }]);
    const other = await broker.connected();
    await client.publish(topic, "own", { qos: 1 });
    await other.publish(topic, "other's", { qos: 1 });
    expect((await client.message()).payload).toBe("other's");
  });

  rule(
    "[MQTT-3.8.3-3] no-local knows a client by its id, also on its next connection",
    async () => {
      const topic = broker.unique();
      const session = broker.kept(broker.unique());
      const client = await broker.connected(session);
      await client.subscribe([topic, { qos: 1, noLocal: true }]);
      await client.leave();
      const again = await broker.connected(session);
      await again.publish(topic, "own", { qos: 1 });
      const writer = await broker.connected();
      await writer.publish(topic, "marker", { qos: 1 });
      expect((await again.message()).payload).toBe("marker");
    },
  );

  rule("[MQTT-4.7.1-1] # matches its parent and everything below", async () => {
    const word = broker.unique();
    const reader = await broker.reader(`${word}/#`);
    const writer = await broker.connected();
    const topics = [word, `${word}/`, `${word}/a`, `${word}/a/b/c`];
    for (const topic of topics) await writer.publish(topic, topic);
    for (const topic of topics) expect((await reader.message()).topic).toBe(topic);
  });

  rule("[MQTT-4.7.1-2] + matches one level, an empty one too", async () => {
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
    for (const topic of [...others, `${word}/ a`, `${word}//a`]) await writer.publish(topic, topic);
    await writer.publish(`${word}/a`, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });
});
