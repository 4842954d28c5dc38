import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { CONFIG_FLAGS, parseSet } from "../../src/config/flags.ts";
import { loadConfig } from "../../src/config/load.ts";
import { renderDefaults, renderYaml } from "../../src/config/render.ts";
import { envName, listSettings } from "../../src/config/settings.ts";
import { fromYaml } from "../../src/config/yaml-file.ts";

const CONFIG_FOLDER = new URL("../../config/", import.meta.url);
const settings = listSettings();
const yamlFiles = (await readdir(CONFIG_FOLDER)).filter((name) => name.endsWith(".yaml"));

/** Units a number's name must end in, unless it counts things named in the plural or is a port. */
const UNITS = /(Ms|Bytes|Seconds|Per[A-Z][a-z]+|[a-z]s|Inflight|port|\.max)$/;

describe("every setting", () => {
  test.each(settings.map((setting) => [setting.path, setting] as const))(
    "%s says what it means in one sentence and has its unit in its name",
    (path, { meaning, type }) => {
      expect(meaning).toMatch(/^[A-Z].*[^.]\.$/);
      expect(meaning).not.toContain("\n");
      if (type === "whole number") expect(path).toMatch(UNITS);
    },
  );

  test("has a variable of its own", () => {
    expect(new Set(settings.map(({ env }) => env)).size).toBe(settings.length);
    expect(envName("http.poll.maxHoldMs")).toBe("TRIBUTARY_HTTP_POLL_MAX_HOLD_MS");
    expect(envName("log.qos0")).toBe("TRIBUTARY_LOG_QOS0");
  });

  test("can be given its default by its variable", async () => {
    const env = Object.fromEntries(settings.map((each) => [each.env, String(each.default)]));
    const { values, origins } = await loadConfig({ env, flags: [] });
    expect(origins.size).toBe(settings.length);
    for (const { path, default: value } of settings) expect(values.get(path)).toEqual(value);
  });

  test("has bounds that the default lies in and that are stated", () => {
    for (const { schema, type, bounds, default: value } of settings) {
      expect(schema.safeParse(value).success).toBe(true);
      if (type === "whole number") expect(bounds).toMatch(/^\d+…\d+$/);
    }
  });
});

describe("flags", () => {
  test.each(CONFIG_FLAGS)("$flag stands for a setting", ({ path }) => {
    expect(settings.map((setting) => setting.path)).toContain(path);
  });

  test("--set takes everything after the first = as the value", () => {
    expect(parseSet("a.b=c=d")).toEqual({ flag: "--set", path: "a.b", text: "c=d" });
    expect(parseSet("a.b")).toEqual({ flag: "--set", path: "a.b", text: "" });
  });
});

describe("files", () => {
  test("config/default.yaml is what the schema says", async () => {
    const file = await readFile(new URL("default.yaml", CONFIG_FOLDER), "utf8");
    expect(file, "run: npm run config:default").toBe(renderDefaults(settings));
  });

  test.each(yamlFiles)("config/%s loads", async (name) => {
    const file = new URL(name, CONFIG_FOLDER).pathname;
    const { origins } = await loadConfig({ file, env: {}, flags: [] });
    expect(origins.size).toBeGreaterThan(0);
  });

  test("settings that are printed load again to the same values", async () => {
    const env = { TRIBUTARY_HTTP_ALLOWED_ORIGINS: "https://a.example,*", TRIBUTARY_HTTP_PORT: "1" };
    const first = await loadConfig({ env, flags: [] });
    const yaml = renderYaml(settings, first.values, {
      commentsOf: () => ["above"],
      remarkOf: () => "behind",
    });
    const again = fromYaml("printed", yaml, settings);
    expect(again.problems).toEqual([]);
    const values = new Map(again.assignments.map((each) => [each.setting.path, each.value]));
    expect(values).toEqual(first.values);
  });
});
