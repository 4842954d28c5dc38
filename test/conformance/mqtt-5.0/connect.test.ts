import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import { expectRefused, FAULTY } from "../../support/mqtt/expect-ended.ts";
import { properties } from "../../support/mqtt/properties.ts";
import { field, packet, uint16 } from "../../support/mqtt/wire-bytes.ts";

const NONE = properties([]);

/** A CONNECT of these flags, with these bytes behind its keep-alive. */
function connectOf(flags: number, ...parts: Uint8Array[]): Buffer {
  return packet(0x10, field("MQTT"), Buffer.of(5, flags), uint16(0), ...parts);
}

const ID = field("malformed");
const WILL = [NONE, field("w"), field("x")];

/** First packets that are no CONNECT of version 5; CONNACK says so, then the connection ends. */
const MALFORMED: readonly (readonly [title: string, bytes: Buffer])[] = [
  ["[MQTT-2.1.3-1] [MQTT-3.1.4-1] header flags", packet(0x11, connectOf(2, NONE, ID).subarray(2))],
  ["[MQTT-3.1.2-3] the reserved connect flag", connectOf(3, NONE, ID)],
  ["[MQTT-3.1.2-9] the will flag without a will", connectOf(2 | 4, NONE, ID)],
  ["[MQTT-3.1.2-9] a will without its payload", connectOf(2 | 4, NONE, ID, NONE, field("w"))],
  ["[MQTT-3.1.2-11] will QoS without the will flag", connectOf(2 | 8, NONE, ID)],
  ["[MQTT-3.1.2-12] will QoS 3", connectOf(2 | 4 | 24, NONE, ID, ...WILL)],
  ["[MQTT-3.1.2-13] will retain without the will flag", connectOf(2 | 32, NONE, ID)],
  ["[MQTT-3.1.2-16] a user name without its flag", connectOf(2, NONE, ID, field("u"))],
  ["[MQTT-3.1.2-17] the user name flag alone", connectOf(2 | 128, NONE, ID)],
  ["[MQTT-3.1.2-18] a password without its flag", connectOf(130, NONE, ID, field("u"), field("p"))],
  ["[MQTT-3.1.2-19] the password flag alone", connectOf(2 | 64, NONE, ID)],
  ["[MQTT-3.1.3-3] no client id", connectOf(2, NONE)],
  ["[MQTT-2.2.2-1] no length of properties", connectOf(2, ID)],
  ["[MQTT-3.1.4-1] properties longer than the packet", connectOf(2, Buffer.of(9), ID)],
  ["[MQTT-3.1.4-1] bytes behind the last field", connectOf(2, NONE, ID, Buffer.of(0))],
  ["[MQTT-3.1.4-1] an unknown property", connectOf(2, Buffer.of(2, 0x7e, 0), ID)],
  ["[MQTT-3.1.4-1] a property of PUBLISH", connectOf(2, properties([["topicAlias", 1]]), ID)],
];

/** Properties whose values CONNECT may not have. */
const FORBIDDEN = [
  ["receive maximum 0", [["receiveMaximum", 0]]],
  ["maximum packet size 0", [["maximumPacketSize", 0]]],
  ["request response information 2", [["requestResponseInformation", 2]]],
  ["request problem information 2", [["requestProblemInformation", 2]]],
  [
    "session expiry twice",
    [
      ["sessionExpiry", 1],
      ["sessionExpiry", 1],
    ],
  ],
  [
    "receive maximum twice",
    [
      ["receiveMaximum", 1],
      ["receiveMaximum", 1],
    ],
  ],
  ["authentication data without a method", [["authenticationData", Buffer.of(1)]]],
] as const;

conformance("5.0", (rule, broker) => {
  for (const [title, bytes] of MALFORMED) {
    rule(`${title} in CONNECT is refused by 0x81 or 0x82`, async () => {
      const client = await broker.open();
      client.send(bytes);
      await expectRefused(client, ...FAULTY);
    });
  }

  for (const [what, list] of FORBIDDEN) {
    rule(
      `[MQTT-3.1.4-1] [MQTT-4.13.1-1] ${what} in CONNECT is refused by 0x81 or 0x82`,
      async () => {
        const client = await broker.open();
        client.send(client.write.connect({ clientId: broker.unique(), properties: list }));
        await expectRefused(client, ...FAULTY);
      },
    );
  }

  rule(
    "[MQTT-3.1.0-1] [MQTT-3.14.0-1] a first packet other than CONNECT is the end, without DISCONNECT",
    async () => {
      const client = await broker.open();
      client.send(client.write.publish(broker.unique(), "x"));
      expect((await client.ended()).by).not.toBe("disconnect");
    },
  );

  rule("[MQTT-3.1.0-2] a second CONNECT is a protocol error", async () => {
    const client = await broker.connected();
    client.send(client.write.connect({ clientId: broker.unique() }));
    expect(await client.ended()).toMatchObject({ by: "disconnect", reason: 0x82 });
  });

  rule("[MQTT-3.1.2-1] another protocol name is refused by 0x84, or by the end", async () => {
    const client = await broker.open();
    client.send(client.write.connect({ name: "MQTX" }));
    const { by, reason } = await client.ended();
    expect(["close 0", "connack 132"]).toContain(`${by} ${reason}`);
  });

  rule("[MQTT-3.1.2-2] version 6 is refused by 0x84, by return code 1, or by the end", async () => {
    const client = await broker.open();
    client.send(client.write.connect({ level: 6, clientId: broker.unique() }));
    const { by, reason } = await client.ended();
    expect(["close 0", "connack 132", "connack 1"]).toContain(`${by} ${reason}`);
  });

  rule("[MQTT-3.1.3-1] all fields of the payload are read in their order", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const client = await broker.connected({
      properties: [["receiveMaximum", 10]],
      will: { topic, payload: "message", properties: [["contentType", "text/plain"]] },
      user: "user",
      password: "password",
    });
    client.drop();
    const message = await reader.message();
    expect(message).toMatchObject({ topic, payload: "message" });
    expect(message.properties.get("contentType")).toBe("text/plain");
  });

  rule("[MQTT-3.1.2-18] a password without a user name is allowed", async () => {
    const client = await broker.connected({ password: "password" });
    await client.settled();
  });

  rule("[MQTT-3.1.3-5] client ids of 1 to 23 letters and digits are accepted", async () => {
    for (const clientId of ["Z", "0123456789abcdefghijABC"]) {
      const client = await broker.connected({ clientId });
      await client.settled();
    }
  });

  rule(
    "[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] an empty client id is replaced by a unique one, which is told and good for a return",
    async () => {
      const ids: string[] = [];
      for (let i = 0; i < 2; i += 1) {
        const client = await broker.connected({
          clientId: "",
          properties: [["sessionExpiry", 60]],
        });
        ids.push(client.connack?.properties.text("assignedClientId") ?? "");
        await client.settled();
      }
      expect(new Set(ids).size).toBe(2);
      const [clientId = ""] = ids;
      expect(clientId).not.toBe("");
      const again = await broker.connected(broker.kept(clientId));
      expect(again.connack?.sessionPresent).toBe(true);
      expect(again.connack?.properties.has("assignedClientId")).toBe(false);
    },
  );

  rule(
    "[MQTT-3.1.3-8] [MQTT-3.1.4-2] [MQTT-3.2.2-6] [MQTT-3.2.2-7] a client id over the limit is refused by 0x85",
    async () => {
      const client = await broker.open();
      client.send(client.write.connect({ clientId: "x".repeat(60_000) }));
      expect(await expectRefused(client, 0x85)).toMatchObject({ flags: 0 });
    },
  );

  rule(
    "[MQTT-3.1.4-3] [MQTT-3.14.2-1] [MQTT-3.14.2-2] [MQTT-3.14.4-2] a connection that is taken over gets 0x8E, without a session expiry",
    async () => {
      const clientId = broker.unique();
      const first = await broker.connected(broker.kept(clientId));
      const second = await broker.connected(broker.kept(clientId));
      const { by, reason, said } = await first.ended();
      expect({ by, reason }).toEqual({ by: "disconnect", reason: 0x8e });
      expect(said?.properties.has("sessionExpiry")).toBe(false);
      await second.settled();
    },
  );

  rule(
    "[MQTT-3.1.4-4] [MQTT-3.1.4-5] [MQTT-3.2.2-1] [MQTT-3.2.2-2] clean start is answered with 0 and session present 0",
    async () => {
      const clientId = broker.unique();
      const first = await broker.connected(broker.kept(clientId));
      await first.leave();
      const client = await broker.connected({ clientId, clean: true });
      expect(client.connack).toMatchObject({ flags: 0, reason: 0 });
    },
  );

  rule("[MQTT-3.1.4-6] a PUBLISH behind a refused CONNECT is not processed", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const refused = await broker.open();
    const { write } = refused;
    const method = [["authenticationMethod", "NONE-SUCH"]] as const;
    refused.send(write.connect({ properties: method }), write.publish(topic, "refused"));
    await refused.ended();
    const writer = await broker.connected();
    await writer.publish(topic, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });

  rule(
    "[MQTT-3.2.0-1] [MQTT-3.2.0-2] one CONNACK comes, before what the session has waiting",
    async () => {
      const topic = broker.unique();
      const session = broker.kept(broker.unique());
      const first = await broker.reader(topic, 1, session);
      await first.leave();
      const writer = await broker.connected();
      await writer.publish(topic, "waiting", { qos: 1 });
      const again = await broker.open();
      again.send(again.write.connect(session));
      expect((await again.next()).type).toBe("connack");
      expect((await again.take("publish")).payload).toBe("waiting");
      await again.settled();
    },
  );

  rule("[MQTT-3.2.2-3] session present says whether there was a session", async () => {
    const session = broker.kept(broker.unique());
    const first = await broker.connected(session);
    expect(first.connack).toMatchObject({ flags: 0, reason: 0 });
    await first.leave();
    const second = await broker.connected(session);
    expect(second.connack).toMatchObject({ flags: 1, reason: 0 });
  });

  rule("[MQTT-3.2.2-8] refusals have codes of the table of CONNACK", async () => {
    const table = [
      0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
      0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
    ];
    for (const bytes of [connectOf(3, NONE, ID), connectOf(2, NONE)]) {
      const client = await broker.open();
      client.send(bytes);
      await expectRefused(client, ...table);
    }
  });

  rule("[MQTT-3.1.2-28] unasked, CONNACK has no response information", async () => {
    const unasked = await broker.connected();
    expect(unasked.connack?.properties.has("responseInformation")).toBe(false);
    const no = await broker.connected({ properties: [["requestResponseInformation", 0]] });
    expect(no.connack?.properties.has("responseInformation")).toBe(false);
  });

  rule("[MQTT-4.12.0-1] an unknown authentication method is refused by 0x8C", async () => {
    const client = await broker.open();
    const list = [["authenticationMethod", "NONE-SUCH"]] as const;
    client.send(client.write.connect({ clientId: broker.unique(), properties: list }));
    await expectRefused(client, 0x8c, 0x87);
  });

  rule("[MQTT-4.12.0-6] without a method CONNACK names none, and no AUTH comes", async () => {
    const client = await broker.connected();
    expect(client.connack?.properties.has("authenticationMethod")).toBe(false);
    await client.settled();
  });
});
