import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpIngress } from "../support/contract/http.ts";
import { mqttIngress } from "../support/contract/mqtt.ts";
import {
  ResumablePoll,
  type ResumableReader,
  ResumableStream,
  ResumableTcp,
  ResumableWebSocket,
  type Sighting,
} from "../support/contract/resumable.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

const MESSAGES = 20_000;
const CUTS = 100;

const READERS = [
  { name: "websocket", Reader: ResumableWebSocket, port: "http" },
  { name: "sse", Reader: ResumableStream, port: "http" },
  { name: "long-poll", Reader: ResumablePoll, port: "http" },
  { name: "tcp", Reader: ResumableTcp, port: "tcp" },
] as const;

let gateway: RunningGateway;
let proxy: FaultProxy;

afterEach(async () => {
  await proxy.stop();
  await gateway.stop();
});

/** Publishes everything in small steps, so that readers and cuts take turns with the publisher. */
async function publishAll(topic: string, onStep: (published: number) => void): Promise<void> {
  const publisher = await mqttIngress("mqtt", 1).open(gateway.urls);
  const step = MESSAGES / (CUTS * 2);
  for (let published = 0; published < MESSAGES; published += step) {
    const payloads = Array.from({ length: step }, (_, i) => Buffer.from(String(published + i)));
    await publisher.publishAll(topic, payloads);
    onStep(published + step);
  }
  await publisher.close();
}

async function startCursor(): Promise<string> {
  const response = await checkedFetch(`${gateway.urls.http}/v1/poll?filter=none&timeout=0`);
  return response.headers.get("tributary-cursor") ?? "";
}

describe.each(READERS)("a $name reader cut 100 times while 20,000 messages flow", (kind) => {
  beforeEach(async () => {
    gateway = await startGateway();
    const http = new URL(gateway.urls.http);
    const target =
      kind.port === "http" ? { host: http.hostname, port: Number(http.port) } : gateway.urls.tcp;
    proxy = new FaultProxy(target);
  });

  test("ends with every message once, in order", async () => {
    const topic = `cut/${randomBytes(4).toString("hex")}`;
    const last = String(MESSAGES - 1);
    const isLast = (sighting: Sighting) => sighting.text === last;
    const target = await proxy.start();
    const reader: ResumableReader = new kind.Reader(target, topic, await startCursor(), isLast);
    const reading = reader.run();
    let steps = 0;
    await publishAll(topic, () => {
      steps += 1;
      if (steps % 2 === 0) proxy.cut();
    });
    await reading;
    const expected = Array.from({ length: MESSAGES }, (_, index) => String(index));
    expect(reader.sightings.filter((sighting) => sighting.kind === "gap")).toEqual([]);
    expect(reader.sightings.map((sighting) => sighting.text)).toEqual(expected);
    expect(reader.connections).toBeGreaterThan(1);
  }, 90_000);
});

describe.each(READERS)("a $name reader that falls behind a window of 500 messages", (kind) => {
  beforeEach(async () => {
    gateway = await startGateway({ log: { maxMessages: 500 } });
    const http = new URL(gateway.urls.http);
    const target =
      kind.port === "http" ? { host: http.hostname, port: Number(http.port) } : gateway.urls.tcp;
    proxy = new FaultProxy(target);
  });

  test("sees exactly the gap that occurred: what is missing ends where its gap says", async () => {
    const topic = `window/${randomBytes(4).toString("hex")}`;
    const cursor = await startCursor();
    const publisher = await httpIngress.open(gateway.urls);
    const payloads = Array.from({ length: 1_200 }, (_, index) => Buffer.from(String(index)));
    await publisher.publishAll(topic, payloads);
    await publisher.close();
    const target = await proxy.start();
    const reader = new kind.Reader(target, topic, cursor, (sighting) => sighting.text === "1199");
    await reader.run();
    const kept = Array.from({ length: 500 }, (_, index) => String(700 + index));
    expect(reader.sightings).toEqual([
      { kind: "gap", text: "retention" },
      ...kept.map((text) => ({ kind: "message", text })),
    ]);
  }, 60_000);
});
