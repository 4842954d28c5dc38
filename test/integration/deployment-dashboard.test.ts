import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { METRIC_PREFIX, METRICS } from "../../src/telemetry/metric-catalog.ts";
import { queriesOf, readDashboard } from "../support/dashboard.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { metricOf, promqlNames } from "../support/promql.ts";

const dashboard = readDashboard();
const queries = queriesOf(dashboard);
const variables = dashboard.templating.list.map(({ name, query }) => ({
  place: `variable ${name}`,
  expression: query.query,
}));

const alertFile = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});
const alerts = alertFile
  .parse(readYaml("config/alerts.yml"))
  .groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr }) => ({ place: alert, expression: expr })),
  );

/** Labels that Prometheus itself gives, and those of metrics that are not the gateway's own. */
const GIVEN_LABELS = ["job", "instance", "le", "alertname", "alertstate"];

function readYaml(path: string): unknown {
  return parse(readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8"));
}

describe("metrics that the dashboard and the alerts read", () => {
  let gateway: RunningGateway;
  const exported = new Set(["up", "ALERTS"]);

  beforeAll(async () => {
    gateway = await startGateway();
    const text = await (await checkedFetch(`${gateway.urls.http}/metrics`)).text();
    for (const [, name = ""] of text.matchAll(/^# TYPE (\S+) /gm)) exported.add(name);
    // A series appears with its first count, its metric with its first series.
    for (const name of Object.keys(METRICS)) exported.add(METRIC_PREFIX + name);
  });

  afterAll(() => gateway.stop());

  test.each([...queries, ...alerts, ...variables])(
    "$place reads only what the gateway exports",
    ({ expression }) => {
      const { metrics } = promqlNames(expression);
      expect(metrics.length).toBeGreaterThan(0);
      for (const metric of metrics) {
        expect([...exported], metric).toContain(exported.has(metric) ? metric : metricOf(metric));
      }
    },
  );
});

test.each([...queries, ...alerts])("$place goes by labels its metrics have", ({ expression }) => {
  const { metrics, labels } = promqlNames(expression);
  const known = Object.entries(METRICS).filter(([name]) =>
    metrics.some((metric) => [metric, metricOf(metric)].includes(METRIC_PREFIX + name)),
  );
  const allowed = [...GIVEN_LABELS, ...known.flatMap(([, definition]) => definition.labels)];
  for (const label of labels) expect(allowed).toContain(label);
});

test("every metric of the gateway is shown", () => {
  const shown = queries.flatMap(({ expression }) => promqlNames(expression).metrics).map(metricOf);
  for (const name of Object.keys(METRICS)) expect(shown).toContain(METRIC_PREFIX + name);
});

test("no panel lies over another, and none reaches past the 24 columns", () => {
  const taken = new Map<string, string>();
  for (const { title, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x},${y}`), title).toBeUndefined();
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

test("panels have ids of their own, a unit, an explanation and at least one query", () => {
  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  for (const { title, description, fieldConfig, targets, type } of panels) {
    expect(description, title).toBeTruthy();
    expect(targets.length, title).toBeGreaterThan(0);
    expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    if (type !== "heatmap") expect(fieldConfig?.defaults.unit, title).toBeTruthy();
  }
});

test("variables that queries and repeated panels name are declared", () => {
  const declared = dashboard.templating.list.map(({ name }) => name);
  const named = queries.flatMap(({ expression }) =>
    [...expression.matchAll(/\$(?!__|\d)(\w+)/g)].map(([, name]) => name),
  );
  const repeated = dashboard.panels.flatMap(({ repeat }) => repeat ?? []);
  for (const name of [...named, ...repeated]) expect(declared).toContain(name);
});

test("the dashboard's data source is the one that is provisioned", () => {
  const provisioned = z
    .object({ datasources: z.array(z.object({ uid: z.string(), type: z.string() })) })
    .parse(readYaml("config/grafana/provisioning/datasources/prometheus.yml"));
  const own = dashboard.annotations.list.filter(({ datasource }) => datasource.type !== "grafana");
  const named = [
    ...dashboard.panels.flatMap(({ datasource }) => datasource ?? []),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ datasource }) => datasource)),
    ...own.map(({ datasource }) => datasource),
  ];
  for (const { uid, type } of named) expect(provisioned.datasources).toEqual([{ uid, type }]);
});

test("alerts and dashboard go by the job that prometheus.yml scrapes", () => {
  const scraped = z
    .object({ scrape_configs: z.array(z.object({ job_name: z.string() })) })
    .parse(readYaml("config/prometheus.yml"));
  expect(scraped.scrape_configs.map(({ job_name }) => job_name)).toEqual(["tributary"]);
  for (const { place, expression } of [...queries, ...alerts, ...variables]) {
    const selectors = [...expression.matchAll(/\{([^}]*)\}/g)].map(([, matchers = ""]) => matchers);
    for (const matchers of selectors) {
      expect(matchers, place).toMatch(/job="tributary"|alertname=~"Tributary\./);
    }
  }
});
