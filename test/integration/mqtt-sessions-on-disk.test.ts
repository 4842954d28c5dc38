import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import {
  acknowledgement,
  DISCONNECT,
  publishPacket,
  TYPE,
  WireClient,
} from "../support/mqtt-wire.ts";

let dataDir: string;
let gateway: RunningGateway;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tributary-"));
  gateway = await start();
});
afterEach(async () => {
  await gateway.stop();
  await rm(dataDir, { recursive: true });
});

/** The log keeps so little that queues have to keep what they need. */
function start(): Promise<RunningGateway> {
  return startGateway({
    store: { kind: "lmdb", dataDir, maxMessages: 16 },
    log: { maxMessages: 16 },
  });
}

function connected(clientId: string): Promise<WireClient & { sessionPresent?: boolean }> {
  const port = Number(new URL(gateway.urls.mqtt).port);
  return WireClient.connected(port, { clientId, clean: false });
}

async function left(client: WireClient): Promise<void> {
  client.send(DISCONNECT);
  await client.closed();
}

test("a session, its group and what both have queued are there after a restart", async () => {
  const reader = await connected("reader");
  await reader.subscribe(["t", 1], ["once", 2]);
  await left(reader);
  const worker = await connected("worker");
  await worker.subscribe(["$share/g/job", 1]);
  await left(worker);
  const writer = await connected("writer");
  const payloads = Array.from({ length: 40 }, (_, i) => `${i}`);
  for (const payload of payloads) {
    writer.send(publishPacket("t", payload, { qos: 1, packetId: 1 }));
    await writer.take(TYPE.puback);
    writer.send(publishPacket("job", payload, { qos: 1, packetId: 1 }));
    await writer.take(TYPE.puback);
  }
  writer.send(publishPacket("once", "x", { qos: 2, packetId: 2 }));
  await writer.take(TYPE.pubrec);
  writer.end();
  await gateway.stop();
  gateway = await start();
  const again = await connected("reader");
  expect(again.sessionPresent).toBe(true);
  for (const payload of payloads) {
    const message = await again.message();
    expect(message).toMatchObject({ payload, qos: 1, dup: false });
    again.send(acknowledgement(TYPE.puback, message.packetId));
  }
  const once = await again.message();
  expect(once).toMatchObject({ payload: "x", qos: 2 });
  again.send(acknowledgement(TYPE.pubrec, once.packetId));
  await again.take(TYPE.pubrel);
  again.send(acknowledgement(TYPE.pubcomp, once.packetId));
  const back = await connected("worker");
  const jobs: string[] = [];
  for (let i = 0; i < payloads.length; i += 1) {
    const { packetId, payload } = await back.message();
    jobs.push(payload);
    back.send(acknowledgement(TYPE.puback, packetId));
  }
  expect(jobs).toEqual(payloads);
  const repeated = await connected("writer");
  repeated.send(publishPacket("once", "x", { qos: 2, packetId: 2, dup: true }));
  await repeated.take(TYPE.pubrec);
  repeated.send(acknowledgement(TYPE.pubrel, 2));
  await repeated.take(TYPE.pubcomp);
  repeated.send(publishPacket("once", "marker", { qos: 1, packetId: 3 }));
  expect((await again.message()).payload).toBe("marker");
});
