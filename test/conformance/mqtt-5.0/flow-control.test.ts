import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import { expectDisconnect } from "../../support/mqtt/expect-ended.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

/** What CONNACK without a receive maximum means (§3.2.2.3.3). */
const NO_LIMIT = 65_535;

conformance("5.0", (rule, broker) => {
  /** A subscriber that allows `receiveMaximum` open deliveries, and five messages for it. */
  async function crowded(receiveMaximum: number, qos: number): Promise<RawClient> {
    const topic = broker.unique();
    const properties = [["receiveMaximum", receiveMaximum]] as const;
    const reader = await broker.reader(topic, qos, { properties });
    const writer = await broker.connected();
    for (let i = 0; i < 5; i += 1) await writer.publish(topic, `${i}`, { qos });
    return reader;
  }

  rule(
    "[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more deliveries of QoS 1 are open than the client allows",
    async () => {
      const reader = await crowded(2, 1);
      const first = await reader.message();
      await reader.message();
      await reader.settled();
      reader.send(reader.write.acknowledge("puback", first.packetId));
      expect((await reader.message()).payload).toBe("2");
      await reader.settled();
    },
  );

  rule("[MQTT-4.9.0-2] a delivery of QoS 2 is open until PUBCOMP", async () => {
    const reader = await crowded(1, 2);
    const { packetId } = await reader.message();
    reader.send(reader.write.acknowledge("pubrec", packetId));
    await reader.take("pubrel");
    await reader.settled();
    reader.send(reader.write.acknowledge("pubcomp", packetId));
    expect((await reader.message()).payload).toBe("1");
  });

  rule("[MQTT-4.9.0-2] a PUBREC that refuses ends a delivery of QoS 2", async () => {
    const reader = await crowded(1, 2);
    const { packetId } = await reader.message();
    reader.send(reader.write.acknowledge("pubrec", packetId, 0x80));
    expect((await reader.message()).payload).toBe("1");
  });

  rule(
    "[MQTT-3.3.4-10] [MQTT-4.9.0-3] with nothing left to send, all else is still answered",
    async () => {
      const reader = await crowded(1, 1);
      await reader.message();
      expect(await reader.subscribe([broker.unique(), 1])).toEqual([1]);
      reader.send(reader.write.unsubscribe(9, [broker.unique()]));
      await reader.take("unsuback");
      await reader.publish(broker.unique(), "x", { qos: 2 });
      await reader.settled();
    },
  );

  rule("[MQTT-3.3.4-7] more open messages than the server allows are ended by 0x93", async () => {
    const client = await broker.connected();
    const limit = client.connack?.properties.number("receiveMaximum", NO_LIMIT) ?? NO_LIMIT;
    expect(limit, "the server has to have a limit").toBeLessThan(NO_LIMIT);
    const topic = broker.unique();
    for (let packetId = 1; packetId <= limit; packetId += 1) {
      client.send(client.write.publish(topic, "x", { qos: 2, packetId }));
    }
    for (let packetId = 1; packetId <= limit; packetId += 1) await client.take("pubrec");
    client.send(client.write.publish(topic, "x", { qos: 2, packetId: limit + 1 }));
    await expectDisconnect(client, 0x93);
  });

  rule("[MQTT-3.2.2-15] a packet larger than the server allows is ended by 0x95", async () => {
    const client = await broker.connected();
    const limit = client.connack?.properties.number("maximumPacketSize", 0) ?? 0;
    expect(limit, "the server has to have a limit").toBeGreaterThan(0);
    // The remaining length alone gives it away: the body need not come.
    const header = client.write.publish("t", Buffer.alloc(limit)).subarray(0, 16);
    client.send(header);
    await expectDisconnect(client, 0x95);
  });
});
