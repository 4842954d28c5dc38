import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { parseConfig } from "../../src/config/load.ts";
import { type TypedValue, typeFindings } from "../support/type-check.ts";

const CONFIG = new URL("../../config/", import.meta.url);

const manifest = parseAllDocuments(read("kubernetes.yml")).map((document): unknown => {
  expect(document.errors).toEqual([]);
  return document.toJS();
});

const MODULES = {
  ConfigMap: "kubernetes-types/core/v1",
  PersistentVolumeClaim: "kubernetes-types/core/v1",
  Deployment: "kubernetes-types/apps/v1",
  Service: "kubernetes-types/core/v1",
  NetworkPolicy: "kubernetes-types/networking/v1",
} as const;

const header = z.object({
  apiVersion: z.string(),
  kind: z.enum(["ConfigMap", "PersistentVolumeClaim", "Deployment", "Service", "NetworkPolicy"]),
  metadata: z.object({ name: z.string() }),
});

const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });

const deployment = z.object({
  kind: z.literal("Deployment"),
  spec: z.object({
    replicas: z.number(),
    strategy: z.object({ type: z.string() }),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({ runAsNonRoot: z.boolean(), runAsUser: z.number() }),
        containers: z.tuple([
          z.object({
            image: z.string(),
            args: z.array(z.string()),
            ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
            startupProbe: probe,
            livenessProbe: probe,
            readinessProbe: probe,
            securityContext: z.unknown(),
            volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
          }),
        ]),
        volumes: z.array(
          z.object({
            name: z.string(),
            persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
          }),
        ),
      }),
    }),
  }),
});

const claim = z.object({
  kind: z.literal("PersistentVolumeClaim"),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    accessModes: z.array(z.string()),
    resources: z.object({ requests: z.object({ storage: z.string() }) }),
  }),
});

const service = z.object({
  kind: z.literal("Service"),
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string() })),
  }),
});

const configMap = z.object({
  kind: z.literal("ConfigMap"),
  data: z.object({ "tributary.yaml": z.string() }),
});

function read(name: string): string {
  return readFileSync(fileURLToPath(new URL(name, CONFIG)), "utf8");
}

/** The one object of that shape. */
function object<T>(shape: z.ZodType<T>): T {
  const found = manifest.flatMap((each) => shape.safeParse(each).data ?? []);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} objects fit`);
  return found[0];
}

function typed(value: unknown): TypedValue {
  const { kind } = header.parse(value);
  return { module: MODULES[kind], type: kind, value };
}

test("every object is what Kubernetes knows under its kind, member by member", () => {
  expect(typeFindings(manifest.map(typed))).toEqual([]);
});

test("the check of members finds one that is misspelled", () => {
  const value = { apiVersion: "v1", kind: "Service", spec: { slector: { a: "b" } } };
  const [finding] = typeFindings([{ module: MODULES.Service, type: "Service", value }]);
  expect(finding).toContain("slector");
});

test("pods match the selectors of their Deployment and of the Service", () => {
  const { selector, template } = object(deployment).spec;
  expect(template.metadata.labels).toEqual(selector.matchLabels);
  expect(object(service).spec.selector).toEqual(selector.matchLabels);
});

test("the Service's ports are the container's, and those are the gateway's", () => {
  const { containers } = object(deployment).spec.template.spec;
  const { http, mqtt, tcp } = parseConfig(settings());
  expect(containers[0].ports).toEqual([
    { name: "http", containerPort: http.port },
    { name: "mqtt", containerPort: mqtt.port },
    { name: "tcp", containerPort: tcp.port },
  ]);
  expect(object(service).spec.ports).toEqual(
    containers[0].ports.map(({ name, containerPort }) => ({
      name,
      port: containerPort,
      targetPort: name,
    })),
  );
});

test("the ConfigMap holds the settings of config/container.yaml", () => {
  const image: unknown = parse(read("container.yaml"));
  expect(parseConfig(settings())).toEqual(parseConfig(z.looseObject({}).parse(image)));
});

test("the pod has more time to end than the gateway takes to drain", () => {
  const { terminationGracePeriodSeconds } = object(deployment).spec.template.spec;
  const { drain } = parseConfig(settings());
  expect(terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drain.timeoutMs);
});

test("a service named tributary sets no variables that the gateway would refuse", () => {
  expect(object(deployment).spec.template.spec.enableServiceLinks).toBe(false);
});

test("it is restarted when it is not alive and left out when it is not ready", () => {
  const [container] = object(deployment).spec.template.spec.containers;
  expect(container.startupProbe.httpGet).toEqual({ path: "/healthz", port: "http" });
  expect(container.livenessProbe.httpGet).toEqual({ path: "/healthz", port: "http" });
  expect(container.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "http" });
});

test("it runs as no root, without capabilities, on a read-only root file system", () => {
  const { securityContext, containers } = object(deployment).spec.template.spec;
  expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
  expect(containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
});

test("one bus is one pod: never two at a time", () => {
  const { replicas, strategy } = object(deployment).spec;
  expect({ replicas, strategy }).toEqual({ replicas: 1, strategy: { type: "Recreate" } });
});

test("every mount has its volume, and what the settings name is mounted", () => {
  const { containers, volumes } = object(deployment).spec.template.spec;
  const [{ args, volumeMounts }] = containers;
  expect(volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
  const paths = volumeMounts.map(({ mountPath }) => mountPath);
  expect(args).toEqual(["serve", "--config", `${paths[0]}/tributary.yaml`]);
  expect(paths).toContain(parseConfig(settings()).store.dataDir);
});

test("what was acknowledged outlives the pod, with room for all that the settings keep", () => {
  const { metadata, spec } = object(claim);
  const { containers, volumes } = object(deployment).spec.template.spec;
  const { store } = parseConfig(settings());
  const mount = containers[0].volumeMounts.find(({ mountPath }) => mountPath === store.dataDir);
  const volume = volumes.find(({ name }) => name === mount?.name);
  expect(volume?.persistentVolumeClaim?.claimName).toBe(metadata.name);
  expect(spec.accessModes).toEqual(["ReadWriteOnce"]);
  const [, gibibytes = "0"] = /^(\d+)Gi$/.exec(spec.resources.requests.storage) ?? [];
  expect(Number(gibibytes) * 2 ** 30).toBeGreaterThan(2 * store.maxBytes);
});

function settings(): object {
  return z.looseObject({}).parse(parse(object(configMap).data["tributary.yaml"]));
}
