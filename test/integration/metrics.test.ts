import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { METRIC_PREFIX, METRICS } from "../../src/telemetry/metric-catalog.ts";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { readMetrics, type Samples } from "../support/metrics.ts";
import { requireTool } from "../support/tools.ts";

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.stop());

const scrape = (): Promise<Samples> => readMetrics(gateway.urls.http);

const ingressOf = (transport: string) => named(INGRESSES, transport);
const egressOf = (transport: string) => named(EGRESSES, transport);

/** The first client whose name is that of the transport, or begins or ends with it. */
function named<T extends { readonly name: string }>(clients: readonly T[], transport: string): T {
  const found = clients.find(({ name }) => name.split(" ").includes(transport));
  if (found === undefined) throw new Error(`there is no client of ${transport}`);
  return found;
}

test("every pair that delivered has its count and its time, and no other has", async () => {
  const topic = "metrics/pairs";
  const readers = await Promise.all(
    ["mqtt", "websocket", "sse"].map((name) => egressOf(name).open(gateway.urls, [topic])),
  );
  const publisher = await ingressOf("http").open(gateway.urls);
  for (let i = 0; i < 20; i += 1) await publisher.publish(topic, Buffer.from(`${i}`));
  for (const reader of readers) for (let i = 0; i < 20; i += 1) await reader.next();
  const samples = await scrape();
  for (const egress of ["mqtt", "websocket", "sse"]) {
    const labels = { ingress: "http", egress };
    expect(samples.sum("messages_delivered_total", labels), egress).toBe(20);
    expect(samples.sum("delivery_seconds_count", labels), egress).toBe(20);
    expect(samples.sum("delivery_seconds_bucket", { ...labels, le: "+Inf" }), egress).toBe(20);
    const seconds = samples.sum("delivery_seconds_sum", labels);
    expect(seconds, egress).toBeGreaterThan(0);
    expect(seconds, egress).toBeLessThan(20);
  }
  expect(samples.sum("delivery_seconds_count", {})).toBe(60);
  await publisher.close();
  for (const reader of readers) await reader.close();
});

test("the stages are those of the same deliveries and add up to their time", async () => {
  const samples = await scrape();
  const deliveries = samples.sum("delivery_seconds_count", {});
  for (const stage of ["ingress", "bus", "egress"]) {
    expect(samples.sum("stage_seconds_count", { stage }), stage).toBe(deliveries);
  }
  const total = samples.sum("delivery_seconds_sum", {});
  expect(samples.sum("stage_seconds_sum", {})).toBeCloseTo(total, 6);
});

test("a retained message is counted and not timed", async () => {
  const publisher = await ingressOf("tcp").open(gateway.urls);
  await publisher.publish("metrics/retained", Buffer.from("state"), { retain: true });
  const reader = await egressOf("tcp").open(gateway.urls, ["metrics/retained"]);
  await reader.next();
  const samples = await scrape();
  const labels = { ingress: "tcp", egress: "tcp" };
  expect(samples.sum("messages_delivered_total", labels)).toBe(1);
  expect(samples.sum("delivery_seconds_count", labels)).toBe(0);
  await reader.close();
  await publisher.close();
});

test.each(INGRESSES.filter(({ qos }) => qos > 0))(
  "acknowledgements to a publisher by $name are timed",
  async ({ transport, open }) => {
    const labels = { transport };
    const before = (await scrape()).sum("publish_ack_seconds_count", labels);
    const publisher = await open(gateway.urls);
    for (let i = 0; i < 3; i += 1) await publisher.publish("metrics/ack", Buffer.from("x"));
    expect((await scrape()).sum("publish_ack_seconds_count", labels) - before).toBe(3);
    await publisher.close();
  },
);

test("bytes at the socket are those of the transport it carries, payloads included", async () => {
  const before = await scrape();
  const payload = Buffer.alloc(100_000, "x");
  const topic = "metrics/bytes";
  for (const name of ["mqtt", "mqtt-ws", "websocket", "tcp", "sse", "poll"]) {
    const reader = await egressOf(name).open(gateway.urls, [topic]);
    const publisher = await ingressOf("http").open(gateway.urls);
    await publisher.publish(topic, payload);
    await reader.next();
    const samples = await scrape();
    const out = { transport: name, direction: "out" };
    const sent = samples.sum("wire_bytes_total", out) - before.sum("wire_bytes_total", out);
    expect(sent, name).toBeGreaterThanOrEqual(payload.length);
    expect(sent, name).toBeLessThan(payload.length * 1.2 + 20_000);
    expect(
      samples.sum("wire_bytes_total", { transport: name, direction: "in" }),
      name,
    ).toBeGreaterThan(0);
    await publisher.close();
    await reader.close();
  }
  const http = { transport: "http", direction: "in" };
  const posted =
    (await scrape()).sum("wire_bytes_total", http) - before.sum("wire_bytes_total", http);
  expect(posted).toBeGreaterThan(6 * payload.length);
});

test("holds of polls are timed by how they ended", async () => {
  const poll = (query: string) =>
    checkedFetch(`${gateway.urls.http}/v1/poll?filter=metrics/hold${query}`);
  expect((await poll("&timeout=0.2")).status).toBe(204);
  const held = poll("&timeout=20");
  const publisher = await ingressOf("http").open(gateway.urls);
  // A held poll is seen in the status before anything is published to it.
  for (;;) {
    const status = await (await checkedFetch(`${gateway.urls.http}/v1/status`)).json();
    if (typeof status === "object" && status !== null && "heldPolls" in status) {
      if (status.heldPolls === 1) break;
    }
  }
  await publisher.publish("metrics/hold", Buffer.from("x"));
  expect((await held).status).toBe(200);
  const samples = await scrape();
  expect(samples.sum("poll_hold_seconds_count", { outcome: "messages" })).toBeGreaterThanOrEqual(1);
  expect(samples.sum("poll_hold_seconds_count", { outcome: "empty" })).toBe(1);
  await publisher.close();
});

test("readers that resume are counted with what became of it", async () => {
  const gap = await checkedFetch(
    `${gateway.urls.http}/v1/poll?filter=x&cursor=nosuchepoch0-1&timeout=0`,
  );
  expect(gap.status).toBe(410);
  const labels = { transport: "poll", result: "epoch" };
  expect((await scrape()).sum("recoveries_total", labels)).toBe(1);
});

test("only metrics of the catalogue are exported under the gateway's prefix", async () => {
  const names = new Set(
    (await scrape()).names
      .filter((name) => name.startsWith(METRIC_PREFIX))
      .map((name) =>
        name.slice(METRIC_PREFIX.length).replace(/(?<=_seconds|_messages)_(bucket|sum|count)$/, ""),
      ),
  );
  const known = new Set(Object.keys(METRICS));
  expect([...names].filter((name) => !known.has(name))).toEqual([]);
  expect((await scrape()).sum("build_info", { node: process.version })).toBe(1);
});

test.skipIf(requireTool("promtool"))("promtool finds nothing wrong with the metrics", async () => {
  const text = await (await checkedFetch(`${gateway.urls.http}/metrics`)).text();
  const found = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  expect(`${found.stdout}${found.stderr}`).toBe("");
  expect(found.status).toBe(0);
});
