import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

/** Bytes that are no UTF-8, by what is wrong with them. */
const ILL_FORMED: readonly (readonly [string, Buffer])[] = [
  ["a continuation byte alone", Buffer.of(0x80)],
  ["a sequence cut short", Buffer.of(0x61, 0xe2, 0x82)],
  ["an overlong form", Buffer.of(0xc0, 0xaf)],
  ["the surrogate U+D800", Buffer.of(0xed, 0xa0, 0x80)],
  ["the surrogate U+DFFF", Buffer.of(0xed, 0xbf, 0xbf)],
  ["a code point above U+10FFFF", Buffer.of(0xf4, 0x90, 0x80, 0x80)],
];

/** Texts of a packet of an open connection, and a packet that holds one. */
const PLACES: readonly (readonly [string, (client: RawClient, text: Buffer) => Buffer])[] = [
  ["[MQTT-3.3.2-1] the topic of PUBLISH", ({ write }, text) => write.publish(text, "x")],
  ["[MQTT-3.8.3-1] a filter of SUBSCRIBE", ({ write }, text) => write.subscribe(1, [[text, 0]])],
  ["[MQTT-3.10.3-1] a filter of UNSUBSCRIBE", ({ write }, text) => write.unsubscribe(1, [text])],
];

const CONNECT_PLACES = [
  ["[MQTT-3.1.3-4] a client id", (text: Buffer) => ({ clientId: text })],
  ["[MQTT-3.1.3-10] a will topic", (text: Buffer) => ({ will: { topic: text, payload: "x" } })],
  ["[MQTT-3.1.3-11] a user name", (text: Buffer) => ({ user: text })],
] as const;

conformance("3.1.1", (rule, broker) => {
  for (const [flaw, bytes] of ILL_FORMED) {
    rule(`[MQTT-1.5.3-1] [MQTT-4.8.0-1] a topic with ${flaw} closes the connection`, async () => {
      const client = await broker.connected();
      client.send(client.write.publish(bytes, "x"));
      await client.closed();
    });
  }

  for (const [place, build] of PLACES) {
    rule(`${place} that is not UTF-8 closes the connection`, async () => {
      const client = await broker.connected();
      client.send(build(client, Buffer.of(0x61, 0xc3, 0x28)));
      await client.closed();
    });
    rule(`${place} with U+0000 in it closes the connection`, async () => {
      const client = await broker.connected();
      client.send(build(client, Buffer.from("a\0b")));
      await client.closed();
    });
  }

  for (const [place, fields] of CONNECT_PLACES) {
    for (const [flaw, bytes] of [
      ["that is not UTF-8", Buffer.of(0x61, 0xc3, 0x28)],
      ["with U+0000 in it", Buffer.from("a\0b")],
    ] as const) {
      rule(`${place} ${flaw} closes the connection`, async () => {
        const client = await broker.open();
        client.send(client.write.connect({ clientId: broker.unique(), ...fields(bytes) }));
        await client.closed();
      });
    }
  }

  rule("[MQTT-1.5.3-2] [MQTT-4.7.3-2] U+0000 in a topic closes the connection", async () => {
    const client = await broker.connected();
    client.send(client.write.publish("a\0b", "x"));
    await client.closed();
  });

  rule("[MQTT-1.5.3-3] U+FEFF at the head of a topic stays, and is not ignored", async () => {
    const topic = broker.unique();
    const marked = `\uFEFF${topic}`;
    const plain = await broker.reader(topic);
    const reader = await broker.reader(marked);
    const writer = await broker.connected();
    await writer.publish(marked, "marked", { qos: 1 });
    await writer.publish(topic, "plain", { qos: 1 });
    expect(await reader.message()).toMatchObject({ topic: marked, payload: "marked" });
    expect(await plain.message()).toMatchObject({ topic, payload: "plain" });
  });

  rule("[MQTT-4.7.3-4] precomposed and decomposed letters are different topics", async () => {
    const word = broker.unique();
    const reader = await broker.reader(`${word}/\u00e5`);
    const writer = await broker.connected();
    await writer.publish(`${word}/a\u030a`, "decomposed", { qos: 1 });
    await writer.publish(`${word}/\u00c5`, "capital", { qos: 1 });
    await writer.publish(`${word}/\u00e5`, "marker", { qos: 1 });
    expect((await reader.message()).payload).toBe("marker");
  });
});
