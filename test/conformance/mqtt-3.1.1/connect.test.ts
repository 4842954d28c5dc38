import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import { field, packet, uint16 } from "../../support/mqtt/wire-bytes.ts";

conformance("3.1.1", (rule, broker) => {
  /** A CONNECT of these flags and these fields of the payload. */
  function connectOf(flags: number, ...payload: Uint8Array[]): Buffer {
    return packet(0x10, field("MQTT"), Buffer.of(4, flags), uint16(0), ...payload);
  }

  /** Sends the bytes on a new connection and expects its end without an answer. */
  async function expectClosed(...bytes: Uint8Array[]): Promise<void> {
    const client = await broker.open();
    client.send(...bytes);
    await client.closed();
  }

  rule("[MQTT-3.1.0-1] a first packet other than CONNECT closes the connection", async () => {
    const { write } = await broker.open();
    await expectClosed(write.publish(broker.unique(), "x"));
  });

  rule("[MQTT-3.1.0-2] a second CONNECT closes the connection", async () => {
    const client = await broker.connected();
    client.send(client.write.connect({ clientId: broker.unique() }));
    await client.closed();
  });

  rule("[MQTT-3.1.2-1] an unknown protocol name closes the connection", async () => {
    const { write } = await broker.open();
    await expectClosed(write.connect({ name: "MQTX" }));
  });

  rule(
    "[MQTT-3.1.2-2] [MQTT-3.2.2-4] [MQTT-3.2.2-5] an unsupported protocol level gets return code 1, session present 0 and the end",
    async () => {
      const client = await broker.open();
      client.send(client.write.connect({ level: 6 }));
      const { by, reason, said } = await client.ended();
      expect({ by, reason }).toEqual({ by: "connack", reason: 1 });
      expect(said).toMatchObject({ flags: 0 });
    },
  );

  rule(
    "[MQTT-3.1.2-3] [MQTT-3.2.2-6] the reserved connect flag closes the connection without CONNACK",
    async () => {
      await expectClosed(connectOf(3, field(broker.unique())));
    },
  );

  rule(
    "[MQTT-3.1.2-9] the will flag without will topic and message closes the connection",
    async () => {
      await expectClosed(connectOf(2 | 4, field(broker.unique())));
    },
  );

  rule(
    "[MQTT-3.1.2-11] will topic and message without the will flag close the connection",
    async () => {
      await expectClosed(connectOf(2, field(broker.unique()), field("w"), field("x")));
    },
  );

  rule("[MQTT-3.1.2-13] will QoS without the will flag closes the connection", async () => {
    await expectClosed(connectOf(2 | (1 << 3), field(broker.unique())));
  });

  rule("[MQTT-3.1.2-14] will QoS 3 closes the connection", async () => {
    const flags = 2 | 4 | (3 << 3);
    await expectClosed(connectOf(flags, field(broker.unique()), field("w"), field("x")));
  });

  rule("[MQTT-3.1.2-15] will retain without the will flag closes the connection", async () => {
    await expectClosed(connectOf(2 | 32, field(broker.unique())));
  });

  rule("[MQTT-3.1.2-18] a user name without the user name flag closes the connection", async () => {
    await expectClosed(connectOf(2, field(broker.unique()), field("user")));
  });

  rule("[MQTT-3.1.2-19] the user name flag without a user name closes the connection", async () => {
    await expectClosed(connectOf(2 | 128, field(broker.unique())));
  });

  rule("[MQTT-3.1.2-20] a password without the password flag closes the connection", async () => {
    const id = field(broker.unique());
    await expectClosed(connectOf(2 | 128, id, field("user"), field("password")));
  });

  rule("[MQTT-3.1.2-21] the password flag without a password closes the connection", async () => {
    await expectClosed(connectOf(2 | 128 | 64, field(broker.unique()), field("user")));
  });

  rule("[MQTT-3.1.2-22] a password without a user name closes the connection", async () => {
    await expectClosed(connectOf(2 | 64, field(broker.unique()), field("password")));
  });

  rule("[MQTT-3.1.3-1] all fields of the payload are read in their order", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const will = { topic, payload: "message", qos: 0 };
    const client = await broker.connected({ will, user: "user", password: "password" });
    client.drop();
    expect(await reader.message()).toMatchObject({ topic, payload: "message" });
  });

  rule("[MQTT-3.1.3-2] each client id has a session of its own", async () => {
    const topic = broker.unique();
    const [one, two] = [broker.kept(broker.unique()), broker.kept(broker.unique())];
    const first = await broker.reader(topic, 1, one);
    await first.leave();
    const other = await broker.connected(two);
    expect(other.connack?.sessionPresent).toBe(false);
    await other.leave();
    const again = await broker.connected(one);
    expect(again.connack?.sessionPresent).toBe(true);
  });

  rule("[MQTT-3.1.3-3] a CONNECT without a client id closes the connection", async () => {
    await expectClosed(connectOf(2));
  });

  rule("[MQTT-3.1.3-5] client ids of 1 to 23 letters and digits are accepted", async () => {
    for (const clientId of ["Z", "0123456789abcdefghijABC"]) {
      const client = await broker.connected({ clientId });
      await client.settled();
    }
  });

  rule(
    "[MQTT-3.1.3-6] clients without a client id are served beside each other and receive",
    async () => {
      const topic = broker.unique();
      const one = await broker.reader(topic, 0, { clientId: "" });
      const two = await broker.reader(topic, 0, { clientId: "" });
      await one.settled();
      two.send(two.write.publish(topic, "both"));
      expect((await one.message()).payload).toBe("both");
      expect((await two.message()).payload).toBe("both");
    },
  );

  rule(
    "[MQTT-3.1.3-7] [MQTT-3.1.3-8] an empty client id without clean session gets return code 2 and the end",
    async () => {
      const client = await broker.open();
      client.send(client.write.connect({ clientId: "", clean: false }));
      expect(await client.ended()).toMatchObject({ by: "connack", reason: 2 });
    },
  );

  rule("[MQTT-3.1.3-9] a client id over the limit gets return code 2 and the end", async () => {
    const client = await broker.open();
    client.send(client.write.connect({ clientId: "x".repeat(60_000) }));
    expect(await client.ended()).toMatchObject({ by: "connack", reason: 2 });
  });

  rule(
    "[MQTT-3.1.4-1] bytes behind the fields of CONNECT close the connection without CONNACK",
    async () => {
      await expectClosed(connectOf(2, field(broker.unique()), Buffer.of(0)));
    },
  );

  rule("[MQTT-3.1.4-2] a second connection with a client id closes the first", async () => {
    const clientId = broker.unique();
    const first = await broker.connected({ clientId });
    const second = await broker.connected({ clientId });
    await first.closed();
    await second.settled();
  });

  rule(
    "[MQTT-3.1.4-3] [MQTT-3.1.4-4] [MQTT-3.2.2-1] clean session is answered with return code 0 and session present 0",
    async () => {
      const clientId = broker.unique();
      const first = await broker.connected(broker.kept(clientId));
      await first.leave();
      const client = await broker.open();
      expect(await client.connect({ clientId, clean: true })).toMatchObject({
        reason: 0,
        flags: 0,
      });
    },
  );

  rule("[MQTT-3.1.4-5] a PUBLISH behind a refused CONNECT is not processed", async () => {
    const topic = broker.unique();
    const reader = await broker.reader(topic);
    const refused = await broker.open();
    refused.send(refused.write.connect({ level: 6 }), refused.write.publish(topic, "refused"));
    await refused.ended();
    const writer = await broker.connected();
    await writer.publish(topic, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });

  rule("[MQTT-3.2.0-1] CONNACK comes before what the session has waiting", async () => {
    const topic = broker.unique();
    const session = broker.kept(broker.unique());
    const first = await broker.reader(topic, 1, session);
    await first.leave();
    const writer = await broker.connected();
    await writer.publish(topic, "waiting", { qos: 1 });
    const again = await broker.open();
    again.send(again.write.connect(session), Buffer.of(0xc0, 0));
    expect((await again.next()).type).toBe("connack");
    const behind = [await again.next(), await again.next()];
    expect(behind).toContainEqual(expect.objectContaining({ payload: "waiting" }));
  });

  rule("[MQTT-3.2.2-2] a kept session without subscriptions is present", async () => {
    const session = broker.kept(broker.unique());
    const first = await broker.connected(session);
    await first.leave();
    const second = await broker.connected(session);
    expect(second.connack).toMatchObject({ flags: 1, reason: 0 });
  });

  rule("[MQTT-3.2.2-3] where no session was kept none is present", async () => {
    const client = await broker.connected(broker.kept(broker.unique()));
    expect(client.connack).toMatchObject({ flags: 0, reason: 0 });
  });
});
