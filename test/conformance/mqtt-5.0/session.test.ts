import { expect } from "vitest";
import { conformance, elapse } from "../../support/mqtt/conformance.ts";
import { expectDisconnect } from "../../support/mqtt/expect-ended.ts";

conformance("5.0", (rule, broker) => {
  rule("[MQTT-3.1.2-4] clean start discards the session and its queue", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 1, session);
    await first.leave();
    const writer = await broker.connected();
    await writer.publish(topic, "lost", { qos: 1 });
    const clean = await broker.connected({ ...session, clean: true });
    expect(clean.connack?.sessionPresent).toBe(false);
    await writer.publish(topic, "unsubscribed", { qos: 1 });
    await clean.settled();
  });

  rule(
    "[MQTT-3.1.2-5] [MQTT-3.1.2-23] [MQTT-4.5.0-1] a session with an expiry goes on, and what came meanwhile waits in it",
    async () => {
      const topic = broker.unique();
      const session = broker.kept(broker.unique());
      const first = await broker.reader(topic, 2, session);
      await first.leave();
      const writer = await broker.connected();
      await writer.publish(topic, "one", { qos: 1 });
      await writer.publish(topic, "two", { qos: 2 });
      const again = await broker.connected(session);
      expect(await again.message()).toMatchObject({ payload: "one", qos: 1, dup: false });
      expect(await again.message()).toMatchObject({ payload: "two", qos: 2, dup: false });
      await writer.publish(topic, "live");
      expect((await again.message()).payload).toBe("live");
    },
  );

  rule("[MQTT-3.1.2-6] without clean start and session, one begins", async () => {
    const topic = broker.unique();
    const client = await broker.reader(topic, 0, { clean: false });
    expect(client.connack?.sessionPresent).toBe(false);
    await client.publish(topic, "x");
    expect((await client.message()).payload).toBe("x");
  });

  rule("[MQTT-4.1.0-2] a session without an expiry ends with its connection", async () => {
    const clientId = broker.unique();
    const first = await broker.connected({ clientId, clean: false });
    await first.leave();
    const again = await broker.connected({ clientId, clean: false });
    expect(again.connack?.sessionPresent).toBe(false);
  });

  rule("[MQTT-4.1.0-2] a session ends when its expiry has passed", async () => {
    const clientId = broker.unique();
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    // A will that waits longer than the session is published when the session ends (§3.1.3.2.2).
    const will = { topic, payload: "ended", properties: [["willDelay", 60]] } as const;
    const first = await broker.connected({ clientId, will, properties: [["sessionExpiry", 1]] });
    first.drop();
    expect((await reader.message()).payload).toBe("ended");
    const again = await broker.connected(broker.kept(clientId));
    expect(again.connack?.sessionPresent).toBe(false);
  });

  rule("[MQTT-4.1.0-1] an expiry does not run while the connection is open", async () => {
    const topic = broker.unique();
    const clientId = broker.unique();
    const client = await broker.reader(topic, 1, { clientId, properties: [["sessionExpiry", 1]] });
    await elapse(2_100);
    const writer = await broker.connected();
    await writer.publish(topic, "still", { qos: 1 });
    expect((await client.message()).payload).toBe("still");
  });

  rule("[MQTT-3.1.2-23] DISCONNECT may give a session a new expiry", async () => {
    const session = broker.kept(broker.unique());
    const first = await broker.connected(session);
    first.send(first.write.disconnect(0, [["sessionExpiry", 0]]));
    await first.closed();
    const again = await broker.connected(session);
    expect(again.connack?.sessionPresent).toBe(false);
  });

  rule("[MQTT-3.1.3-2] each client id has a session of its own", async () => {
    const [one, two] = [broker.kept(broker.unique()), broker.kept(broker.unique())];
    const first = await broker.connected(one);
    await first.leave();
    const other = await broker.connected(two);
    expect(other.connack?.sessionPresent).toBe(false);
    const again = await broker.connected(one);
    expect(again.connack?.sessionPresent).toBe(true);
  });

  rule(
    "[MQTT-4.4.0-1] what was left open is sent again in order, under the same ids, and only on return",
    async () => {
      const topic = broker.unique();
      const session = broker.kept(broker.unique());
      const first = await broker.reader(topic, 2, session);
      const writer = await broker.connected();
      for (const [payload, qos] of [
        ["a", 1],
        ["b", 2],
        ["c", 1],
        ["d", 2],
      ] as const) {
        await writer.publish(topic, payload, { qos });
      }
      const sent: { payload: string; packetId: number }[] = [];
      for (let i = 0; i < 4; i += 1) {
        const { payload, packetId } = await first.message();
        sent.push({ payload, packetId });
      }
      await elapse(1_500);
      await first.settled();
      first.drop();
      await writer.publish(topic, "later", { qos: 1 });
      const again = await broker.connected(session);
      for (const packet of sent) {
        expect(await again.message()).toMatchObject({ ...packet, dup: true });
      }
      expect(await again.message()).toMatchObject({ payload: "later", dup: false });
    },
  );

  rule(
    "[MQTT-3.14.4-1] [MQTT-4.13.2-1] nothing behind DISCONNECT is heeded, and the connection ends",
    async () => {
      const topic = broker.unique();
      const reader = await broker.reader(topic);
      const writer = await broker.connected();
      const { write } = writer;
      const after = write.publish(topic, "after");
      writer.send(write.publish(topic, "before"), write.disconnect(0x80), after);
      await writer.closed();
      const marker = await broker.connected();
      await marker.publish(topic, "marker");
      expect(await reader.payloads(2)).toEqual(["before", "marker"]);
    },
  );

  rule(
    "[MQTT-4.13.2-1] [MQTT-3.14.4-1] the server says nothing behind its DISCONNECT",
    async () => {
      const client = await broker.connected();
      client.send(Buffer.of(0, 0), Buffer.of(0xc0, 0), Buffer.of(0xc0, 0));
      await expectDisconnect(client, 0x81, 0x82);
    },
  );
});
