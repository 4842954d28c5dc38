import { expect } from "vitest";
import { conformance, elapse } from "../../support/mqtt/conformance.ts";

conformance("5.0", (rule, broker) => {
  rule(
    "[MQTT-3.1.2-22] [MQTT-3.2.2-22] a client silent for one and a half times its keep-alive gets 0x8D, and its will is published",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic);
      const startedAt = performance.now();
      const client = await broker.connected({ keepAlive: 1, will: { topic, payload: "silent" } });
      const keepAlive = client.connack?.properties.number("serverKeepAlive", 1) ?? 1;
      expect(await client.ended()).toMatchObject({ by: "disconnect", reason: 0x8d });
      expect(performance.now() - startedAt).toBeGreaterThan(1_400 * keepAlive);
      expect((await reader.message()).payload).toBe("silent");
    },
  );

  rule("[MQTT-3.1.2-22] any packet within the time keeps the connection", async () => {
    const client = await broker.connected({ keepAlive: 1 });
    for (let i = 0; i < 4; i += 1) {
      await elapse(600);
      client.send(client.write.publish(broker.unique(), "alive"));
    }
    await client.settled();
  });
});
