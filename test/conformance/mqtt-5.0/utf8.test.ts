import { expect } from "vitest";
import { conformance } from "../../support/mqtt/conformance.ts";
import { expectDisconnect, expectRefused, FAULTY } from "../../support/mqtt/expect-ended.ts";
import type { ConnectFields } from "../../support/mqtt/packets.ts";
import type { Property } from "../../support/mqtt/properties.ts";
import type { RawClient } from "../../support/mqtt/raw-client.ts";

/** Bytes that are no text, by what is wrong with them. */
const FLAWS: readonly (readonly [string, Buffer])[] = [
  ["a continuation byte alone", Buffer.of(0x80)],
  ["a sequence cut short", Buffer.of(0x61, 0xe2, 0x82)],
  ["an overlong form", Buffer.of(0xc0, 0xaf)],
  ["the surrogate U+D800", Buffer.of(0xed, 0xa0, 0x80)],
  ["a code point above U+10FFFF", Buffer.of(0xf4, 0x90, 0x80, 0x80)],
];

const BAD = Buffer.of(0x61, 0xc3, 0x28);
const NUL = Buffer.from("a\0b");
const TOPIC_CODES = [...FAULTY, 0x90, 0x99] as const;

function publishWith(property: (text: Buffer) => Property) {
  return ({ write }: RawClient, text: Buffer) =>
    write.publish("a", "x", { properties: [property(text)] });
}

/** Texts of packets on an open connection. */
const PLACES: readonly (readonly [string, (client: RawClient, text: Buffer) => Buffer])[] = [
  ["[MQTT-3.3.2-1] a topic", ({ write }, text) => write.publish(text, "x")],
  ["[MQTT-3.3.2-13] a response topic", publishWith((text) => ["responseTopic", text])],
  ["[MQTT-3.3.2-19] a content type", publishWith((text) => ["contentType", text])],
  [
    "[MQTT-1.5.7-1] the name of a user property",
    publishWith((text) => ["userProperty", [text, ""]]),
  ],
  [
    "[MQTT-1.5.7-1] the value of a user property",
    publishWith((text) => ["userProperty", ["", text]]),
  ],
  ["[MQTT-3.8.3-1] a filter of SUBSCRIBE", ({ write }, text) => write.subscribe(1, [[text, 0]])],
  ["[MQTT-3.10.3-1] a filter of UNSUBSCRIBE", ({ write }, text) => write.unsubscribe(1, [text])],
];

const CONNECT_PLACES: readonly (readonly [string, (text: Buffer) => ConnectFields])[] = [
  ["[MQTT-3.1.3-4] a client id", (text) => ({ clientId: text })],
  ["[MQTT-3.1.3-11] a will topic", (text) => ({ will: { topic: text, payload: "x" } })],
  ["[MQTT-3.1.3-12] a user name", (text) => ({ user: text })],
];

conformance("5.0", (rule, broker) => {
  for (const [flaw, bytes] of FLAWS) {
    rule(`[MQTT-1.5.4-1] a topic with ${flaw} ends the connection`, async () => {
      const client = await broker.connected();
      client.send(client.write.publish(bytes, "x"));
      await expectDisconnect(client, ...TOPIC_CODES);
    });
  }

  for (const [place, build] of PLACES) {
    rule(`${place} that is not UTF-8 ends the connection`, async () => {
      const client = await broker.connected();
      client.send(build(client, BAD));
      await expectDisconnect(client, ...TOPIC_CODES, 0x8f);
    });
    rule(`${place} with U+0000 ends the connection`, async () => {
      const client = await broker.connected();
      client.send(build(client, NUL));
      await expectDisconnect(client, ...TOPIC_CODES, 0x8f);
    });
  }

  for (const [place, fields] of CONNECT_PLACES) {
    for (const [flaw, bytes] of [
      ["that is not UTF-8", BAD],
      ["with U+0000", NUL],
    ] as const) {
      rule(`${place} ${flaw} is refused`, async () => {
        const client = await broker.open();
        client.send(client.write.connect({ clientId: broker.unique(), ...fields(bytes) }));
        await expectRefused(client, ...TOPIC_CODES, 0x85, 0x86);
      });
    }
  }

  rule("[MQTT-1.5.4-2] [MQTT-4.7.3-2] U+0000 in a topic ends the connection", async () => {
    const client = await broker.connected();
    client.send(client.write.publish(NUL, "x"));
    await expectDisconnect(client, ...TOPIC_CODES);
  });

  rule("[MQTT-1.5.4-3] U+FEFF at the head of a topic stays, and is not ignored", async () => {
    const topic = broker.unique();
    const marked = `\uFEFF${topic}`;
    const plain = await broker.reader(topic);
    const reader = await broker.reader(marked);
    const writer = await broker.connected();
    const list: Property[] = [["userProperty", ["\uFEFFname", "\uFEFFvalue"]]];
    await writer.publish(marked, "marked", { properties: list });
    await writer.publish(topic, "plain");
    const message = await reader.message();
    expect(message).toMatchObject({ topic: marked, payload: "marked" });
    expect(message.properties.get("userProperty")).toEqual(["\uFEFFname", "\uFEFFvalue"]);
    expect(await plain.message()).toMatchObject({ topic, payload: "plain" });
  });

  rule("[MQTT-4.7.3-4] precomposed and decomposed letters are different topics", async () => {
    const word = broker.unique();
    const reader = await broker.reader(`${word}/\u00e5`);
    const writer = await broker.connected();
    await writer.publish(`${word}/a\u030a`, "decomposed");
    await writer.publish(`${word}/\u00c5`, "capital");
    await writer.publish(`${word}/\u00e5`, "marker");
    expect((await reader.message()).payload).toBe("marker");
  });
});
