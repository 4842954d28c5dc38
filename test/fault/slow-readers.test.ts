import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closed } from "../support/closed.ts";
import type { EgressClient } from "../support/contract/client.ts";
import { httpIngress } from "../support/contract/http.ts";
import { mqttEgress } from "../support/contract/mqtt.ts";
import { websocketEgress } from "../support/contract/websocket.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { RAW_READERS } from "../support/raw-readers.ts";

const PAYLOAD_BYTES = 65_536;
const MESSAGES = 2_000;
const MEBIBYTE = 1_048_576;

/** 4 MiB of log and 1 MiB a queue: what is held for a frozen reader shows against 125 MiB sent. */
const SETTINGS = ["log.maxBytes=4194304", "limits.queue.maxBytes=1048576"];

let gateway: GatewayProcess;

beforeAll(async () => {
  // In memory: pages of the data file would count as resident, and 14,000 flushes test the disk.
  gateway = await GatewayProcess.start(SETTINGS, ["--store", "memory"]);
  // Compiled code, allocator pools and encoded messages grow with the first traffic.
  const others = await openOthers("warm-up");
  const reading = others.map(readAll);
  await publishAll("warm-up");
  await Promise.all(reading);
  for (const reader of others) await reader.close();
}, 60_000);

afterAll(() => gateway.stop());

async function publishAll(topic: string): Promise<void> {
  const publisher = await httpIngress.open(gateway.urls);
  for (let index = 0; index < MESSAGES; index += 1) {
    const payload = Buffer.alloc(PAYLOAD_BYTES, 0x2e);
    payload.writeUInt32BE(index);
    await publisher.publish(topic, payload);
  }
  await publisher.close();
}

function openOthers(topic: string): Promise<EgressClient[]> {
  const kinds = [websocketEgress("binary"), mqttEgress("mqtt", 1)];
  return Promise.all(kinds.map((kind) => kind.open(gateway.urls, [topic])));
}

async function readAll(reader: EgressClient): Promise<void> {
  for (let index = 0; index < MESSAGES; index += 1) {
    expect((await reader.next()).payload.readUInt32BE(0)).toBe(index);
  }
}

describe.each(RAW_READERS)("a $name reader that stops reading", (kind) => {
  test("is dropped by its policy, and neither publisher nor other readers notice", async () => {
    const topic = `slow/${randomBytes(4).toString("hex")}`;
    const frozen = await kind.open(gateway.urls, topic);
    frozen.socket.pause();
    const before = gateway.residentBytes;
    const series = `tributary_messages_dropped_total{transport="${kind.transport}",reason="slow_subscriber"}`;
    const droppedBefore = await gateway.metric(series);
    const others = await openOthers(topic);
    const reading = others.map(readAll);
    await publishAll(topic);
    await Promise.all(reading);
    expect(await gateway.metric(series)).toBeGreaterThan(droppedBefore);
    // 125 MiB went by; 64 MiB is far more than log, queue and socket buffers may hold together.
    expect(gateway.residentBytes - before).toBeLessThan(64 * MEBIBYTE);
    const ended = closed(frozen.socket);
    frozen.socket.resume();
    await ended;
    expect(frozen.received().length).toBeLessThan((MESSAGES * PAYLOAD_BYTES) / 2);
    for (const reader of others) await reader.close();
  }, 60_000);
});
