import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EgressClient, IngressClient } from "../support/contract/client.ts";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { PrometheusServer } from "../support/prometheus-server.ts";
import { requireTool } from "../support/tools.ts";

const MESSAGES = 50;

describe.skipIf(requireTool("prometheus"))("Prometheus, scraping a gateway at work", () => {
  let gateway: RunningGateway;
  let prometheus: PrometheusServer;
  let reader: EgressClient;
  let publisher: IngressClient;
  /** Ends the traffic. */
  let isDone = false;
  let traffic: Promise<void>;

  beforeAll(async () => {
    gateway = await startGateway();
    prometheus = await PrometheusServer.start(new URL(gateway.urls.http).host);
    const ingress = INGRESSES.find(({ name }) => name === "mqtt QoS 1");
    const egress = EGRESSES.find(({ name }) => name === "websocket json");
    if (ingress === undefined || egress === undefined) throw new Error("a client is missing");
    reader = await egress.open(gateway.urls, ["prometheus/#"]);
    publisher = await ingress.open(gateway.urls);
    traffic = (async () => {
      while (!isDone) {
        await publisher.publish("prometheus/topic", Buffer.from("x"));
        await reader.next();
      }
    })();
    // One that has expired when it is delivered: dropped, for a reason.
    await checkedFetch(`${gateway.urls.http}/v1/topics/prometheus/expired?expiry=0`, {
      method: "POST",
    });
  });

  afterAll(async () => {
    isDone = true;
    await traffic;
    await publisher.close();
    await reader.close();
    await prometheus.stop();
    await gateway.stop();
  });

  test("tells p99 of each pair", async () => {
    const p99 =
      "histogram_quantile(0.99, sum by (ingress, egress, le) (rate(tributary_delivery_seconds_bucket[10s])))";
    const results = await prometheus.when(p99, ([first]) => (first?.value ?? 0) > 0);
    expect(results).toHaveLength(1);
    expect(results[0]?.labels).toEqual({ ingress: "mqtt", egress: "websocket" });
    expect(results[0]?.value).toBeLessThan(10);
  });

  test("tells rates in and out by transport", async () => {
    const received = "sum by (transport) (rate(tributary_messages_received_total[10s]))";
    const byMqtt = await prometheus.when(received, (results) =>
      results.some(({ labels, value }) => labels.transport === "mqtt" && value > 1),
    );
    expect(byMqtt.length).toBeGreaterThan(0);
    const delivered = "sum by (egress) (increase(tributary_messages_delivered_total[30s]))";
    await prometheus.when(delivered, (results) =>
      results.some(({ labels, value }) => labels.egress === "websocket" && value > MESSAGES),
    );
  });

  test("tells drops by reason", async () => {
    const results = await prometheus.when(
      "sum by (transport, reason) (tributary_messages_dropped_total)",
      (found) => found.length > 0,
    );
    expect(results).toEqual([{ labels: { transport: "websocket", reason: "expired" }, value: 1 }]);
  });

  test("finds the gateway up and knows what is running", async () => {
    await prometheus.when('up{job="tributary"}', ([first]) => first?.value === 1);
    const [build] = await prometheus.when("tributary_build_info", (found) => found.length === 1);
    expect(build?.labels.node).toBe(process.version);
  });
});
