import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const DASHBOARD = fileURLToPath(
  new URL("../../config/grafana/dashboards/tributary.json", import.meta.url),
);

const source = z.object({ type: z.string(), uid: z.string() });

const panel = z.object({
  id: z.number(),
  type: z.enum(["row", "stat", "table", "heatmap", "timeseries"]),
  title: z.string().min(1),
  description: z.string().optional(),
  datasource: source.optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  repeat: z.string().optional(),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }) }).optional(),
  targets: z
    .array(z.object({ refId: z.string(), expr: z.string(), datasource: source }))
    .default([]),
});

const variable = z.object({ name: z.string(), query: z.object({ query: z.string() }) });

const dashboard = z.object({
  uid: z.string(),
  panels: z.array(panel),
  annotations: z.object({
    list: z.array(z.object({ name: z.string(), datasource: source, expr: z.string().optional() })),
  }),
  templating: z.object({ list: z.array(variable) }),
});

/** The parts of the Grafana dashboard that the tests look at. */
export type Dashboard = z.infer<typeof dashboard>;

/** An expression and where it stands. */
export interface DashboardQuery {
  readonly place: string;
  readonly expression: string;
}

/** Reads the dashboard that is provisioned. */
export function readDashboard(): Dashboard {
  return dashboard.parse(JSON.parse(readFileSync(DASHBOARD, "utf8")));
}

/** Every PromQL expression of panels and annotations, Grafana's variables still in it. */
export function queriesOf({ panels, annotations }: Dashboard): readonly DashboardQuery[] {
  return [
    ...panels.flatMap(({ title, targets }) =>
      targets.map(({ refId, expr }) => ({ place: `${title} ${refId}`, expression: expr })),
    ),
    ...annotations.list.flatMap(({ name, expr }) =>
      expr === undefined ? [] : [{ place: `annotation ${name}`, expression: expr }],
    ),
  ];
}

/** The expression as Grafana sends it with every variable at "All", over the last `window`. */
export function filledIn({ expression }: DashboardQuery, window: string): string {
  return expression
    .replaceAll(/\$__(?:rate_interval|interval|range)/g, window)
    .replaceAll(/\$(?:instance|ingress|egress)\b/g, ".*");
}
