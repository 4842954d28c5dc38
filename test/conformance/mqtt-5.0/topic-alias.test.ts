import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import { expectDisconnect, FAULTY } from "../../support/mqtt/expect-ended.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

/** How many aliases the server allows; it has to allow some. */
function allowance(client: RawClient): number {
  const most = client.connack?.properties.number("topicAliasMaximum", 0) ?? 0;
  expect(most, "the server has to allow topic aliases").toBeGreaterThan(0);
  return most;
}

conformance("5.0", (rule, broker) => {
  rule("[MQTT-3.3.2-12] every alias up to the server's maximum is taken", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(`${topic}/#`);
    const writer = await broker.connected();
    for (const alias of new Set([1, allowance(writer)])) {
      const properties = [["topicAlias", alias]] as const;
      writer.send(writer.write.publish(`${topic}/${alias}`, "named", { properties }));
      writer.send(writer.write.publish("", "alias", { properties }));
      expect(await reader.message()).toMatchObject({
        topic: `${topic}/${alias}`,
        payload: "named",
      });
      expect(await reader.message()).toMatchObject({
        topic: `${topic}/${alias}`,
        payload: "alias",
      });
    }
  });

  rule("[MQTT-3.3.2-12] an alias that is named again means the new topic", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(`${topic}/#`);
    const writer = await broker.connected();
    const properties = [["topicAlias", 1]] as const;
    for (const level of ["a", "b"]) {
      writer.send(writer.write.publish(`${topic}/${level}`, "named", { properties }));
    }
    writer.send(writer.write.publish("", "alias", { qos: 1, properties }));
    await reader.payloads(2);
    expect(await reader.message()).toMatchObject({ topic: `${topic}/b`, payload: "alias" });
  });

  rule(
    "[MQTT-3.2.2-17] [MQTT-3.3.2-9] an alias above the server's maximum is ended by 0x94",
    async () => {
      const client = await broker.connected();
      const alias = allowance(client) + 1;
      client.send(client.write.publish("t", "x", { properties: [["topicAlias", alias]] }));
      await expectDisconnect(client, 0x94);
    },
  );

  rule("[MQTT-3.3.2-7] aliases end with their connection, also in a kept session", async () => {
    const session = broker.kept(broker.unique());
    const first = await broker.connected(session);
    const properties = [["topicAlias", 1]] as const;
    await first.publish(broker.unique(), "x", { qos: 1, properties });
    await first.leave();
    const again = await broker.connected(session);
    again.send(again.write.publish("", "x", { properties }));
    await expectDisconnect(again, 0x94, ...FAULTY);
  });

  rule("[MQTT-3.1.2-27] without the client's leave the server uses no alias", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const writer = await broker.connected();
    for (let i = 0; i < 5; i += 1) await writer.publish(topic, `${i}`);
    for (let i = 0; i < 5; i += 1) {
      const message = await reader.message();
      expect(message.topic).toBe(topic);
      expect(message.properties.has("topicAlias")).toBe(false);
    }
  });

  rule(
    "[MQTT-3.1.2-26] [MQTT-3.3.2-11] the server's aliases are at most the client's maximum, and mean what they were given",
    async () => {
      const word = broker.unique();
      const properties = [["topicAliasMaximum", 2]] as const;
      const reader = await broker.reader(`${word}/#`, 1, { properties });
      const writer = await broker.connected();
      const topics = ["a", "b", "c", "a", "a", "b", "c", "d", "a"].map(
        (level) => `${word}/${level}`,
      );
      for (const topic of topics) await writer.publish(topic, topic, { qos: 1 });
      const names = new Map<number, string>();
      for (const topic of topics) {
        const message = await reader.message();
        const alias = message.properties.number("topicAlias", 0);
        expect(alias).toBeLessThanOrEqual(2);
        if (alias > 0 && message.topic !== "") names.set(alias, message.topic);
        expect(message.topic === "" ? names.get(alias) : message.topic).toBe(topic);
        reader.send(reader.write.acknowledge("puback", message.packetId));
      }
    },
  );
});
