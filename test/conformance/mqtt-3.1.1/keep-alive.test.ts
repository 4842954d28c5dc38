import { expect } from "vitest";
import { conformance, elapse } from "../../support/mqtt/conformance.ts";

conformance("3.1.1", (rule, broker) => {
  rule(
    "[MQTT-3.1.2-24] a client silent for one and a half times its keep-alive is cut off and its will published",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic);
      const startedAt = performance.now();
      const client = await broker.connected({ keepAlive: 1, will: { topic, payload: "silent" } });
      await client.closed();
      expect(performance.now() - startedAt).toBeGreaterThan(1_400);
      expect((await reader.message()).payload).toBe("silent");
    },
  );

  rule("[MQTT-3.1.2-24] any packet within the time keeps the connection", async () => {
    const client = await broker.connected({ keepAlive: 1 });
    for (let i = 0; i < 4; i += 1) {
      await elapse(600);
      client.send(client.write.publish(broker.unique(), "alive"));
    }
    await client.settled();
  });
});
