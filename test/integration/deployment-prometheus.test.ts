import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { filledIn, queriesOf, readDashboard } from "../support/dashboard.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { PrometheusServer } from "../support/prometheus-server.ts";
import { requireTool } from "../support/tools.ts";

const CONFIG = fileURLToPath(new URL("../../config/", import.meta.url));

const queries = queriesOf(readDashboard());

function promtool(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync("promtool", args, {
    cwd: CONFIG,
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
}

describe.skipIf(requireTool("promtool"))("promtool", () => {
  test("accepts prometheus.yml", () => {
    expect(promtool("check", "config", "prometheus.yml")).toMatchObject({ status: 0 });
  });

  test("accepts alerts.yml, and finds no rule twice", () => {
    const { status, said } = promtool("check", "rules", "--lint=all", "--lint-fatal", "alerts.yml");
    expect(said).toContain("SUCCESS");
    expect(status).toBe(0);
  });

  test("sees each alert fire where alerts.test.yml says, and nowhere else", () => {
    const { status, said } = promtool("test", "rules", "alerts.test.yml");
    expect(said).not.toContain("FAILED");
    expect(status).toBe(0);
  });

  test("has a test for every alert", () => {
    const rules = [...readFileSync(join(CONFIG, "alerts.yml"), "utf8").matchAll(/alert: (\w+)/g)];
    const tests = readFileSync(join(CONFIG, "alerts.test.yml"), "utf8");
    expect(rules.length).toBeGreaterThan(0);
    for (const [, alert = ""] of rules) expect(tests).toContain(alert);
  });

  test("can parse every query of the dashboard", () => {
    const folder = mkdtempSync(join(tmpdir(), "tributary-dashboard-"));
    const file = join(folder, "dashboard.yml");
    const rules = queries.map((query, index) => ({
      record: `dashboard:query:${index}`,
      expr: filledIn(query, "5m"),
    }));
    writeFileSync(file, stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(promtool("check", "rules", file)).toMatchObject({ status: 0 });
    rmSync(folder, { recursive: true });
  });
});

/** Panels that show nothing while all is well, or without TLS. */
const QUIET = [
  "annotation Starts",
  "annotation Alerts",
  "Refused by code A",
  "Certificates expire in A",
];

describe.skipIf(requireTool("prometheus"))("Prometheus, asked what the dashboard asks", () => {
  let gateway: RunningGateway;
  let prometheus: PrometheusServer;
  let stopTraffic: () => Promise<void>;
  const dataDir = mkdtempSync(join(tmpdir(), "tributary-"));

  beforeAll(async () => {
    gateway = await startGateway({ store: { kind: "lmdb", dataDir } });
    prometheus = await PrometheusServer.start(new URL(gateway.urls.http).host);
    stopTraffic = await startTraffic(gateway);
  });

  afterAll(async () => {
    await stopTraffic();
    await prometheus.stop();
    await gateway.stop();
    rmSync(dataDir, { recursive: true });
  });

  test.each(queries.filter(({ place }) => !QUIET.includes(place)))(
    "$place has an answer",
    async (query) => {
      const expression = filledIn(query, "10s");
      const results = await prometheus.when(expression, (found) => found.length > 0);
      for (const { value } of results) expect(value).not.toBe(Number.POSITIVE_INFINITY);
    },
  );

  test.each(queries.filter(({ place }) => QUIET.includes(place)))(
    "$place is quiet while all is well",
    async (query) => {
      await expect(prometheus.query(filledIn(query, "10s"))).resolves.toEqual([]);
    },
  );
});

const status = z.object({ log: z.object({ cursor: z.string() }) });

/** A message at a time by MQTT to WebSocket, polls that resume, polls that are held, an expired one. */
async function startTraffic({ urls }: RunningGateway): Promise<() => Promise<void>> {
  const ingress = INGRESSES.find(({ name }) => name === "mqtt QoS 1");
  const egress = EGRESSES.find(({ name }) => name === "websocket json");
  if (ingress === undefined || egress === undefined) throw new Error("a client is missing");
  const { cursor } = status.parse(await (await checkedFetch(`${urls.http}/v1/status`)).json()).log;
  const reader = await egress.open(urls, ["dashboard/#"]);
  const publisher = await ingress.open(urls);
  await checkedFetch(`${urls.http}/v1/topics/dashboard/x?expiry=0`, { method: "POST" });
  let isDone = false;
  const traffic = (async () => {
    while (!isDone) {
      await publisher.publish("dashboard/topic", Buffer.from("x"));
      await reader.next();
      await checkedFetch(`${urls.http}/v1/poll?filter=dashboard/%23&cursor=${cursor}&max=1`);
    }
  })();
  const holding = (async () => {
    while (!isDone) await checkedFetch(`${urls.http}/v1/poll?filter=dashboard/%23&timeout=1`);
  })();
  return async () => {
    isDone = true;
    await Promise.all([traffic, holding]);
    await publisher.close();
    await reader.close();
  };
}
