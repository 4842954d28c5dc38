import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

const INVALID = [0x80, 0x81, 0x82, 0x8f, 0x9e];

conformance("5.0", (rule, broker) => {
  /** Two members of one group, of which the first has the message and the second has none. */
  async function handed(
    qos: number,
    sessionExpiry: number,
  ): Promise<{ chosen: RawClient; other: RawClient; packetId: number; topic: string }> {
    const topic = broker.unique();
    const filter = `$share/group/${topic}`;
    const properties = [
      ["sessionExpiry", sessionExpiry],
      ["receiveMaximum", 10],
    ] as const;
    const chosen = await broker.reader(filter, qos, { properties });
    const writer = await broker.connected();
    await writer.publish(topic, "handed", { qos });
    const { packetId, payload } = await chosen.message();
    expect(payload).toBe("handed");
    const other = await broker.reader(filter, qos);
    return { chosen, other, packetId, topic };
  }

  /** Publishes until the client gets one message, which has to be a marker. */
  async function expectMarker(client: RawClient, topic: string): Promise<void> {
    const writer = await broker.connected();
    await writer.publish(topic, "marker", { qos: 1 });
    expect((await client.message()).payload).toBe("marker");
  }

  rule("[MQTT-4.8.2-1] each message goes to one member of the group", async () => {
    const topic = broker.unique();
    const filter = `$share/group/${topic}/#`;
    const members = [await broker.reader(filter, 1), await broker.reader(filter, 1)];
    const plain = await broker.reader(`${topic}/#`, 1);
    const writer = await broker.connected();
    const sent = Array.from({ length: 10 }, (_, i) => `${i}`);
    for (const payload of sent) await writer.publish(`${topic}/x`, payload, { qos: 1 });
    expect(await plain.payloads(sent.length)).toEqual(sent);
    const seen: string[] = [];
    for (const member of members) {
      member.send(Buffer.of(0xc0, 0));
      for (;;) {
        const packet = await member.next();
        if (packet.type !== "publish") break;
        seen.push(packet.payload);
      }
    }
    expect(seen.sort()).toEqual(sent);
  });

  for (const [id, what, filter] of [
    ["[MQTT-4.8.2-1]", "an empty share name", "$share//t"],
    ["[MQTT-4.8.2-1]", "nothing but a share name", "$share/g"],
    ["[MQTT-4.8.2-2]", "an empty filter", "$share/g/"],
    ["[MQTT-4.8.2-2]", "a + in the share name", "$share/a+b/t"],
    ["[MQTT-4.8.2-2]", "a # in the share name", "$share/a#/t"],
  ] as const) {
    rule(`${id} ${what} is refused by its code in SUBACK, or by DISCONNECT`, async () => {
      const client = await broker.connected();
      client.send(client.write.subscribe(1, [[filter, 0]]));
      const answer = await client.next();
      const code = answer.type === "suback" ? answer.reasons[0] : undefined;
      expect(INVALID).toContain(answer.type === "disconnect" ? answer.reason : code);
    });
  }

  rule("[MQTT-4.8.2-3] a member gets no more than the QoS granted to it", async () => {
    const topic = broker.unique();
    const member = await broker.reader(`$share/group/${topic}`, 1);
    const writer = await broker.connected();
    await writer.publish(topic, "two", { qos: 2 });
    await writer.publish(topic, "zero", { qos: 0 });
    expect(await member.message()).toMatchObject({ payload: "two", qos: 1 });
    expect(await member.message()).toMatchObject({ payload: "zero", qos: 0 });
  });

  rule("[MQTT-4.8.2-4] a QoS 2 delivery goes on with its member when that returns", async () => {
    const topic = broker.unique();
    const filter = `$share/group/${topic}`;
    const session = broker.kept(broker.unique());
    const chosen = await broker.reader(filter, 2, session);
    const writer = await broker.connected();
    await writer.publish(topic, "handed", { qos: 2 });
    const { packetId } = await chosen.message();
    const other = await broker.reader(filter, 2);
    chosen.drop();
    const again = await broker.connected(session);
    expect(await again.message()).toMatchObject({ payload: "handed", packetId, dup: true });
    await again.leave();
    await other.settled();
  });

  rule(
    "[MQTT-4.8.2-5] a QoS 2 delivery whose member's session ends goes to nobody else",
    async () => {
      const { chosen, other, topic } = await handed(2, 0);
      await chosen.leave();
      await expectMarker(other, topic);
    },
  );

  for (const [qos, answer] of [
    [1, "puback"],
    [2, "pubrec"],
  ] as const) {
    rule(
      `[MQTT-4.8.2-6] what a member refuses by ${answer.toUpperCase()} goes to nobody else`,
      async () => {
        const { chosen, other, packetId, topic } = await handed(qos, 0);
        chosen.send(chosen.write.acknowledge(answer, packetId, 0x80));
        await chosen.settled();
        await chosen.leave();
        await expectMarker(other, topic);
      },
    );
  }
});
