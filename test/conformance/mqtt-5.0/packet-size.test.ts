import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import { expectRefused } from "../../support/mqtt/expect-ended.ts";
import type { Property } from "../../support/mqtt/properties.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

/** Room for CONNACK with its limits, and for no reason string worth the name. */
const SMALL = 48;
const SMALL_PACKETS: readonly Property[] = [["maximumPacketSize", SMALL]];
const NO_PROBLEMS: readonly Property[] = [["requestProblemInformation", 0]];

/** Words the gateway would have to add to a packet to say what was wrong. */
const EXPLANATIONS = ["reasonString", "userProperty"] as const;

/** What makes a server explain itself, by the packet it does so in. */
const REFUSALS: readonly (readonly [
  small: string,
  silent: string,
  packet: string,
  (client: RawClient) => Buffer,
])[] = [
  [
    "[MQTT-3.4.2-2]",
    "[MQTT-3.1.2-29]",
    "PUBACK",
    ({ write }) => write.publish("$SYS/conformance", "x", { qos: 1 }),
  ],
  [
    "[MQTT-3.5.2-2]",
    "[MQTT-3.1.2-29]",
    "PUBREC",
    ({ write }) => write.publish("$SYS/conformance", "x", { qos: 2 }),
  ],
  ["[MQTT-3.7.2-2]", "[MQTT-3.1.2-29]", "PUBCOMP", ({ write }) => write.acknowledge("pubrel", 99)],
  [
    "[MQTT-3.9.2-1]",
    "[MQTT-3.1.2-29]",
    "SUBACK",
    ({ write }) => write.subscribe(1, [["$share/g", 0]]),
  ],
  [
    "[MQTT-3.11.2-1]",
    "[MQTT-3.1.2-29]",
    "UNSUBACK",
    ({ write }) => write.unsubscribe(1, ["never"]),
  ],
];

conformance("5.0", (rule, broker) => {
  for (const [small, silent, name, build] of REFUSALS) {
    rule(`${small} no explanation makes ${name} larger than the client takes`, async () => {
      const client = await broker.connected({ properties: SMALL_PACKETS });
      client.send(build(client));
      expect((await client.next()).size).toBeLessThanOrEqual(SMALL);
    });
    rule(`${silent} a client that wants no problem information gets none in ${name}`, async () => {
      const client = await broker.connected({ properties: NO_PROBLEMS });
      client.send(build(client));
      const packet = await client.next();
      if (packet.type === "disconnect") return;
      for (const property of EXPLANATIONS) expect(packet.properties.has(property)).toBe(false);
    });
  }

  rule("[MQTT-3.2.2-19] no explanation makes CONNACK larger than the client takes", async () => {
    const client = await broker.open();
    const properties = [["authenticationMethod", "NONE-SUCH"], ...SMALL_PACKETS] as const;
    client.send(client.write.connect({ clientId: broker.unique(), properties }));
    const said = await expectRefused(client, 0x8c, 0x87);
    expect(said?.size).toBeLessThanOrEqual(SMALL);
  });

  rule("[MQTT-3.14.2-3] no explanation makes DISCONNECT larger than the client takes", async () => {
    const clientId = broker.unique();
    const first = await broker.connected({ clientId, properties: SMALL_PACKETS });
    await broker.connected({ clientId });
    const { by, said } = await first.ended();
    expect(by).toBe("disconnect");
    expect(said?.size).toBeLessThanOrEqual(SMALL);
  });

  for (const qos of [0, 1, 2]) {
    rule(
      `[MQTT-3.1.2-24] [MQTT-3.1.2-25] a message of QoS ${qos} too large for the client counts as sent`,
      async () => {
        const topic = broker.unique();
        const properties: Property[] = [...SMALL_PACKETS, ["receiveMaximum", 1]];
        const reader = await broker.reader(topic, qos, { properties });
        const writer = await broker.connected();
        await writer.publish(topic, "x".repeat(SMALL), { qos });
        // Were the large one still open, there would be no room for this one.
        await writer.publish(topic, "small", { qos });
        expect(await reader.payloads(1)).toEqual(["small"]);
        await reader.settled();
      },
    );
  }

  rule("[MQTT-3.1.2-24] a packet of exactly the client's size is sent", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic, 0, { properties: SMALL_PACKETS });
    const writer = await broker.connected();
    const payload = "x".repeat(SMALL - writer.write.publish(topic, "").length);
    await writer.publish(topic, payload);
    expect(await reader.message()).toMatchObject({ payload, size: SMALL });
  });
});
