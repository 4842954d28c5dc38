import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EgressClient, IngressClient } from "../support/contract/client.ts";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

const MEBIBYTE = 1_048_576;

/** Payloads that break transports which treat bytes as text. */
const PAYLOADS: readonly (readonly [string, Buffer])[] = [
  ["empty", Buffer.alloc(0)],
  ["one byte", Buffer.from([0x00])],
  ["all 256 byte values", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
  ["invalid UTF-8", Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0xed, 0xa0, 0x80])],
  ["text with a BOM", Buffer.from('\ufeffgrüße 🌍 \u2028\r\n\t"\\')],
  ["1 MiB", randomBytes(MEBIBYTE)],
];

const PROPERTIES = {
  contentType: "application/json",
  userProperties: [
    ["unit", "°C"],
    ["unit", "K"],
  ],
  responseTopic: "replies/1",
  correlationData: Buffer.from([0, 1, 254, 255]),
} as const;

describe.each(INGRESSES)("published by $name", (ingress) => {
  let gateway: RunningGateway;
  let publisher: IngressClient;

  beforeAll(async () => {
    gateway = await startGateway();
    publisher = await ingress.open(gateway.urls);
  });

  afterAll(async () => {
    await publisher.close();
    await gateway.stop();
  });

  describe.each(EGRESSES)("read by $name", (egress) => {
    test("bytes are exact and the topic is kept", async () => {
      const topic = `exact/${randomBytes(6).toString("hex")}/a b/ü`;
      const reader = await egress.open(gateway.urls, [topic]);
      for (const [name, payload] of PAYLOADS) {
        await publisher.publish(topic, payload);
        const message = await reader.next();
        expect(message.topic).toBe(topic);
        expect(message.payload.equals(payload), name).toBe(true);
        expect(message.retained).toBe(false);
      }
      await reader.close();
    });

    test("a retained message comes first, an empty one clears it", async () => {
      const root = `retained/${randomBytes(6).toString("hex")}`;
      await publisher.publish(`${root}/kept`, Buffer.from("state"), { retain: true });
      await publisher.publish(`${root}/cleared`, Buffer.from("old"), { retain: true });
      await publisher.publish(`${root}/cleared`, Buffer.alloc(0), { retain: true });
      const reader = await egress.open(gateway.urls, [`${root}/#`]);
      await publisher.publish(`${root}/live`, Buffer.from("next"));
      const first = await reader.next();
      expect([first.topic, String(first.payload), first.retained]).toEqual([
        `${root}/kept`,
        "state",
        true,
      ]);
      const second = await reader.next();
      expect([second.topic, second.retained]).toEqual([`${root}/live`, false]);
      await reader.close();
    });

    test("[MQTT-4.7.1] wildcards match by level, empty levels and the parent included", async () => {
      const root = `wild/${randomBytes(6).toString("hex")}`;
      const reader = await egress.open(gateway.urls, [`${root}/+/x`, `${root}/deep/#`]);
      const topics = [
        `${root}//x`,
        `${root}/a/x`,
        `${root}/deep`,
        `${root}/deep/`,
        `${root}/deep/x`,
      ];
      for (const topic of [...topics, `${root}/a/y`, `${root}/x`, `${root}/deep/end`]) {
        await publisher.publish(topic, Buffer.from(topic));
      }
      const seen: string[] = [];
      for (const _ of [...topics, "marker"]) seen.push((await reader.next()).topic);
      expect(seen).toEqual([...topics, `${root}/deep/end`]);
      await reader.close();
    });

    test.skipIf(!ingress.carriesProperties || !egress.carriesProperties)(
      "properties are carried (MQTT 3.1.1 has none)",
      async () => {
        const topic = `properties/${randomBytes(6).toString("hex")}`;
        const reader = await egress.open(gateway.urls, [topic]);
        await publisher.publish(topic, Buffer.from("{}"), { properties: PROPERTIES });
        expect((await reader.next()).properties).toEqual(PROPERTIES);
        await reader.close();
      },
    );
  });

  test("10,000 messages reach a reader of every transport in the order they were sent", async () => {
    const topic = `order/${randomBytes(6).toString("hex")}`;
    const readers: EgressClient[] = [];
    for (const egress of EGRESSES) readers.push(await egress.open(gateway.urls, [topic]));
    const payloads = Array.from({ length: 10_000 }, (_, index) => Buffer.from(String(index)));
    const received = readers.map(async (reader, place) => {
      for (const [index, payload] of payloads.entries()) {
        const message = await reader.next();
        if (message.payload.equals(payload)) continue;
        const got = String(message.payload);
        throw new Error(`${EGRESSES[place]?.name}: message ${index} came as ${got}`);
      }
    });
    await publisher.publishAll(topic, payloads);
    await Promise.all(received);
    for (const reader of readers) await reader.close();
  }, 60_000);
});
