import { afterAll, beforeAll, expect, test } from "vitest";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { send } from "../support/http-client.ts";

let gateway: RunningGateway;
let port: number;

beforeAll(async () => {
  gateway = await startGateway();
  port = Number(new URL(gateway.urls.http).port);
});

afterAll(() => gateway.stop());

async function readStatus(): Promise<Record<string, unknown>> {
  return (await send(port, "GET", "/v1/status")).json();
}

test("the status tells what is delivered, how fast, what is stored and how the process is", async () => {
  const ingress = INGRESSES.find(({ name }) => name === "mqtt QoS 1");
  const egress = EGRESSES.find(({ name }) => name === "websocket json");
  if (ingress === undefined || egress === undefined) throw new Error("a client is missing");
  const reader = await egress.open(gateway.urls, ["status/#"]);
  const publisher = await ingress.open(gateway.urls);
  await publisher.publish("status/kept", Buffer.from("12345"), { retain: true });
  for (let i = 0; i < 9; i += 1) await publisher.publish("status/x", Buffer.from("12345"));
  for (let i = 0; i < 10; i += 1) await reader.next();
  await fetch(`${gateway.urls.http}/v1/topics/status/expired?expiry=0`, { method: "POST" });
  await publisher.publish("status/x", Buffer.from("12345"));
  await reader.next();
  const status = await readStatus();
  expect(status).toMatchObject({
    ready: true,
    reasons: [],
    retainedMessages: 1,
    retainedBytes: 5,
    log: { firstOffset: 1, lastOffset: 12, messages: 12 },
    drops: { expired: 1 },
    latencyMs: [{ ingress: "mqtt", egress: "websocket", count: 11 }],
    rates: { received: { mqtt: expect.any(Number) }, delivered: { websocket: expect.any(Number) } },
    eventLoopDelayMs: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
    rssBytes: expect.any(Number),
  });
  const { rates } = status;
  expect((rates as { received: { mqtt: number } }).received.mqtt).toBeGreaterThan(0);
  await publisher.close();
  await reader.close();
});
